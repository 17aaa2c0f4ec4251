-- Stands in for what Kaitai's runtime has of the same name.
local enum = {}

-- Members by their names, with `label` and `value`; called with a number, the member or nil.
function enum.Enum(members)
  local by_name, by_value = {}, {}
  for label, value in pairs(members) do
    by_name[label] = {label = label, value = value}
    by_value[value] = by_name[label]
  end
  return setmetatable({}, {
    __index = by_name,
    __call = function(_, value) return by_value[value] end,
  })
end

return enum
