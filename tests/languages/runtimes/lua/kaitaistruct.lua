-- Stands in for Kaitai's runtime, which is on no registry that the tests can reach: what the
-- generated parser of the format calls, and nothing else.
local class = require("class")

KaitaiStruct = class.class()

function KaitaiStruct:_init(io) self._io = io end

function KaitaiStruct:from_file(path)
  return self(KaitaiStream(assert(io.open(path, "rb"))))
end

KaitaiStream = class.class()

function KaitaiStream:_init(io)
  self._data = io:read("a")
  self._at, self._bits, self._left = 0, 0, 0
end

function KaitaiStream:pos() return self._at end

function KaitaiStream:size() return #self._data end

function KaitaiStream:seek(at) self._at, self._left = at, 0 end

function KaitaiStream:read_bytes(count)
  local there = #self._data - self._at
  if count < 0 or count > there then
    error("requested " .. count .. " bytes, but only " .. there .. " bytes available")
  end
  local first = self._at
  self._at, self._left = first + count // 1 | 0, 0
  return self._data:sub(first + 1, self._at)
end

function KaitaiStream:read_bytes_full() return self:read_bytes(#self._data - self._at) end

for name, form in pairs({u1 = "B", u2le = "<I2", u2be = ">I2", u4le = "<I4", u4be = ">I4",
    u8le = "<I8", u8be = ">I8"}) do
  KaitaiStream["read_" .. name] = function(self)
    return (string.unpack(form, self:read_bytes(tonumber(name:sub(2, 2)))))
  end
end

function KaitaiStream:read_bits_int_be(count)
  local found = 0
  for _ = 1, count do
    if self._left == 0 then
      self._bits = self:read_u1()
      self._left = 8
    end
    self._left = self._left - 1
    found = found << 1 | self._bits >> self._left & 1
  end
  return found
end

function KaitaiStream.bytes_terminate(bytes, ending, included)
  local at = bytes:find(string.char(ending), 1, true)
  return at and bytes:sub(1, included and at or at - 1) or bytes
end
