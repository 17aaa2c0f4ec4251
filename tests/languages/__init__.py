"""The parsers that Kaitai Struct generates from schema/*.ksy, run over files and compared."""
