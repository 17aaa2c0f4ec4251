-- Stands in for what Kaitai's runtime has of the same name.
return function(bytes)
  return {read = function() return bytes end}
end
