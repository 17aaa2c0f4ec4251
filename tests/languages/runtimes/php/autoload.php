<?php
// Stands in for Kaitai's runtime, which is on no registry that the tests can reach, and for what
// Composer would write: what the generated parser of the format calls, and nothing else.
namespace Kaitai\Struct\Error {
    class KaitaiError extends \Exception {}
    class UndecidedEndiannessError extends KaitaiError {}
    class EndOfStreamError extends KaitaiError {}
    class ValidationFailedError extends KaitaiError {
        public function __construct(...$about) {
            parent::__construct(static::class . ': ' . end($about));
        }
    }
    class ValidationNotEqualError extends ValidationFailedError {}
    class ValidationLessThanError extends ValidationFailedError {}
    class ValidationGreaterThanError extends ValidationFailedError {}
    class ValidationNotAnyOfError extends ValidationFailedError {}
}

namespace Kaitai\Struct {
    class Struct {
        protected $_io;
        protected $_parent;
        protected $_root;

        public function __construct(Stream $_io, ?Struct $_parent = null, ?Struct $_root = null) {
            $this->_io = $_io;
            $this->_parent = $_parent;
            $this->_root = $_root;
        }

        public function _io(): Stream { return $this->_io; }
        public function _parent(): ?Struct { return $this->_parent; }
        public function _root(): Struct { return $this->_root; }

        public static function fromFile(string $path): Struct {
            $data = @file_get_contents($path);
            if ($data === false) {
                throw new \RuntimeException('no such file');
            }
            return new static(new Stream($data));
        }
    }

    class Stream {
        private $data;
        private $at = 0;
        private $bits = 0;
        private $left = 0;

        public function __construct(string $data) { $this->data = $data; }
        public function pos(): int { return $this->at; }
        public function size(): int { return strlen($this->data); }

        public function seek(int $at): void {
            $this->at = $at;
            $this->left = 0;
        }

        public function readBytes(int $count): string {
            $there = strlen($this->data) - $this->at;
            if ($count < 0 || $count > $there) {
                throw new Error\EndOfStreamError("requested $count bytes, got only $there bytes");
            }
            $this->left = 0;
            $this->at += $count;
            return substr($this->data, $this->at - $count, $count);
        }

        public function readBytesFull(): string {
            return $this->readBytes(strlen($this->data) - $this->at);
        }

        public function readU1(): int { return unpack('C', $this->readBytes(1))[1]; }
        public function readU2le(): int { return unpack('v', $this->readBytes(2))[1]; }
        public function readU2be(): int { return unpack('n', $this->readBytes(2))[1]; }
        public function readU4le(): int { return unpack('V', $this->readBytes(4))[1]; }
        public function readU4be(): int { return unpack('N', $this->readBytes(4))[1]; }
        public function readU8le(): int { return unpack('P', $this->readBytes(8))[1]; }
        public function readU8be(): int { return unpack('J', $this->readBytes(8))[1]; }

        public function readBitsIntBe(int $count): int {
            $found = 0;
            for ($i = 0; $i < $count; $i++) {
                if ($this->left === 0) {
                    $this->bits = $this->readU1();
                    $this->left = 8;
                }
                $this->left--;
                $found = $found << 1 | $this->bits >> $this->left & 1;
            }
            return $found;
        }

        public static function bytesTerminate(string $bytes, int $end, bool $included): string {
            $at = strpos($bytes, chr($end));
            return $at === false ? $bytes : substr($bytes, 0, $at + ($included ? 1 : 0));
        }

        public static function bytesToStr(string $bytes, string $encoding): string {
            return @iconv($encoding, 'UTF-8', $bytes) ?: '';
        }
    }
}

namespace {
    require __DIR__ . '/../Msl.php';
}
