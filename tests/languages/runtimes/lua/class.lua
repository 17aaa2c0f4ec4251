-- Stands in for what Kaitai's runtime has of the same name.
local class = {}

-- A class: it is called to make an object, and `property` has the getters of computed values.
function class.class(base)
  local made = {property = {}}
  function made.__index(object, key)
    local getter = rawget(made.property, key)
    if getter then return getter.get(object) end
    return made[key]
  end
  return setmetatable(made, {
    __index = base,
    __call = function(called, ...)
      local object = setmetatable({}, called)
      object:_init(...)
      return object
    end,
  })
end

return class
