-- Stands in for what Kaitai's runtime has of the same name.
return {
  decode = function(bytes, _)
    return utf8.len(bytes) and bytes or error("not UTF-8")
  end,
}
