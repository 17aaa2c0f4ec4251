## Stands in for Kaitai's runtime, which is on no registry that the tests can reach: what the
## generated parser of the format calls, and nothing else.
import std/endians

type
  KaitaiStream* = ref object
    data: seq[byte]
    at, left: int
    bits: byte
  KaitaiStruct* = ref object of RootObj
    io*: KaitaiStream
    root*: KaitaiStruct
  KaitaiError* = object of CatchableError

proc newKaitaiStream*(data: seq[byte]): KaitaiStream = KaitaiStream(data: data)

proc newKaitaiFileStream*(path: string): KaitaiStream =
  newKaitaiStream(cast[seq[byte]](readFile(path)))

proc pos*(io: KaitaiStream): int = io.at

proc size*(io: KaitaiStream): int = io.data.len

proc seek*(io: KaitaiStream, at: int) =
  io.at = at
  io.left = 0

proc readBytes*(io: KaitaiStream, count: int): seq[byte] =
  if count < 0 or count > io.data.len - io.at:
    raise newException(KaitaiError, "requested " & $count & " bytes, but only " &
      $(io.data.len - io.at) & " bytes available")
  io.at += count
  io.left = 0
  io.data[io.at - count ..< io.at]

proc readBytesFull*(io: KaitaiStream): seq[byte] = io.readBytes(io.data.len - io.at)

proc readU1*(io: KaitaiStream): uint8 = io.readBytes(1)[0]

template reads(little, big, kind, swapLittle, swapBig: untyped) =
  proc little*(io: KaitaiStream): kind =
    var bytes = io.readBytes(sizeof(kind))
    swapLittle(addr result, addr bytes[0])
  proc big*(io: KaitaiStream): kind =
    var bytes = io.readBytes(sizeof(kind))
    swapBig(addr result, addr bytes[0])

reads(readU2le, readU2be, uint16, littleEndian16, bigEndian16)
reads(readU4le, readU4be, uint32, littleEndian32, bigEndian32)
reads(readU8le, readU8be, uint64, littleEndian64, bigEndian64)

proc readBitsIntBe*(io: KaitaiStream, count: int): uint64 =
  for _ in 1 .. count:
    if io.left == 0:
      io.bits = io.readU1()
      io.left = 8
    dec io.left
    result = result shl 1 or (uint64(io.bits) shr io.left and 1)

proc bytesTerminate*(bytes: seq[byte], ending: byte, included: bool): seq[byte] =
  let at = bytes.find(ending)
  if at < 0: bytes else: bytes[0 ..< at + ord(included)]

proc encode*(bytes: seq[byte], encoding: string): string = cast[string](bytes)
