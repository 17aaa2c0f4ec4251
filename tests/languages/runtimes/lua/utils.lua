-- Stands in for what Kaitai's runtime has of the same name: a ternary's value may be false or nil.
return {
  box_wrap = function(value) return {value} end,
  box_unwrap = function(box)
    if type(box) == "table" and getmetatable(box) == nil then return box[1] end
    return box
  end,
}
