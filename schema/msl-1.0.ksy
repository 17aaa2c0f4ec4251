meta:
  id: msl_1_0
  title: Memory Slice (.msl) dump of a process, draft-2026-03, format version 1.0
  application:
    - memslicer
    - MemDiver
    - msl-construct
  file-extension: msl
  license: CC0-1.0
  ks-version: '0.11'
doc: |
  Memory Slice is a file format for the memory of one process and what belongs
  to it: a file header, then blocks without gaps, each with its type and length.
  This file describes draft-2026-03 (the public specification, version 1.0.0,
  working draft).

  A field is called here as everywhere else where this format is described in
  snake case: PathLen is path_len, not len_path, because one name for one thing
  is worth more than a prefix. -orig-id has the specification's own spelling. A
  field of a registry is a number, NAME_code, and an instance NAME with its
  enumeration, so that unregistered numbers are kept; text is its stored bytes,
  NAME_raw, and an instance NAME that is decoded when it is asked for, so that
  bytes that are not UTF-8 don't end the parse.

  Left as bytes: payloads of a type or payload version that the draft gives no
  layout for, compressed payloads (behind their uncompressed size), and what
  stands behind the last block. A block that is not whole ends the blocks. A
  payload is read when it is asked for; one that does not hold what its layout
  says is an error then, of that block alone. stored has its bytes.

  Hashes are not verified. This file is exported from a declaration of the
  format in Python; change that, not this.
doc-ref: https://github.com/MemorySlice/memslice-spec Memory Slice specification
seq:
  - id: magic
    -orig-id: Magic
    contents: MEMSLICE
    doc: |
      Identifies the file format.
      MUST (consumer): Reject a file that begins otherwise (§12).
    doc-ref: Memory Slice draft-2026-03, §3
  - id: endianness
    -orig-id: Endianness
    type: u1
    enum: endianness_value
    valid:
      any-of:
        - 'endianness_value::little'
        - 'endianness_value::big'
    doc: |
      Byte order of every multi-byte integer in the file; page data is not
      touched by it.
      MUST (consumer): Reject any value but 1 and 2.
    doc-ref: Memory Slice draft-2026-03, §3
  - id: header_size
    -orig-id: HeaderSize
    type: u1
    valid:
      min: 64
    doc: |
      Size of this header in bytes: Block 0 begins at this file offset.
      MUST (producer): Write 64.
      MUST (consumer): Find Block 0 by this field (§12).
    doc-ref: Memory Slice draft-2026-03, §3
  - id: file_header
    size: (header_size.as<s4> - 10).as<s4>
    type: file_header_fields
    doc: The other fields of the file header.
  - id: lookahead
    type: block_lookahead
    doc: Whether there is a block at all.
  - id: blocks
    type: block
    repeat: until
    repeat-until: not _.lookahead.is_block
    if: lookahead.is_block
    doc: The blocks.
  - id: trailing_data
    size-eos: true
    doc: Everything behind the last block.
types:
  file_header_fields:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: File Header, behind its size.
    doc-ref: Memory Slice draft-2026-03, §3
    seq:
      - id: version
        -orig-id: Version
        type: u2
        valid:
          min: 0x0100
          max: 0x01ff
        doc: |
          Format version, the major number in the high byte.
          SHOULD (consumer): Reject an unknown major version (§3.2).
          MAY (consumer): Parse an unknown minor version (§3.2).
      - id: flags
        -orig-id: Flags
        type: u4
        doc: Properties of the whole file.
      - id: cap_bitmap
        -orig-id: CapBitmap
        type: u8
        doc: |
          Which categories of data the file holds blocks of.
          MUST (producer): Set exactly the bits of the categories captured (§8).
      - id: dump_uuid
        -orig-id: DumpUUID
        size: 16
        doc: |
          Identifies this dump; other files refer to it. A version 4 UUID, 16
          bytes in network order whatever the file's byte order (§1.3).
      - id: timestamp
        -orig-id: Timestamp
        type: u8
        doc: |
          Wall-clock time at which the acquisition began. Nanoseconds since the
          Unix epoch, UTC; zero where unknown (§1.3).
      - id: os_type_code
        -orig-id: OSType
        type: u2
        doc: |
          Operating system of the target.
          0x000a to 0x00ff: reserved.
          0x0100 to 0xfffe: vendor.
      - id: arch_type_code
        -orig-id: ArchType
        type: u2
        doc: |
          Instruction set of the target.
          0x000c to 0x00ff: reserved.
          0x0100 to 0xfffe: vendor.
      - id: pid
        -orig-id: PID
        type: u4
        doc: Process ID of the target; 0 when an import does not know it.
      - id: clock_source_code
        -orig-id: ClockSource
        type: u1
        doc: |
          Clock behind the timestamps.
          0x05 to 0xfe: reserved.
      - id: reserved
        -orig-id: Reserved
        size: 7
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: extension
        size-eos: true
        doc: Header bytes behind the known fields.
    instances:
      is_imported:
        -orig-id: Imported
        value: flags & 0x1 != 0
        doc: Converted from another format (§9).
      has_memory_regions:
        -orig-id: MemoryRegions
        value: cap_bitmap & 0x1 != 0
      has_module_list:
        -orig-id: ModuleList
        value: cap_bitmap & 0x2 != 0
      has_thread_contexts:
        -orig-id: ThreadContexts
        value: cap_bitmap & 0x4 != 0
      has_file_descriptors:
        -orig-id: FileDescriptors
        value: cap_bitmap & 0x8 != 0
      has_network_state:
        -orig-id: NetworkState
        value: cap_bitmap & 0x10 != 0
      has_environment_vars:
        -orig-id: EnvironmentVars
        value: cap_bitmap & 0x20 != 0
      has_shared_memory:
        -orig-id: SharedMemory
        value: cap_bitmap & 0x40 != 0
      has_security_context:
        -orig-id: SecurityContext
        value: cap_bitmap & 0x80 != 0
      has_process_identity:
        -orig-id: ProcessIdentity
        value: cap_bitmap & 0x100 != 0
      has_related_dumps:
        -orig-id: RelatedDumps
        value: cap_bitmap & 0x200 != 0
      has_crypto_hints:
        -orig-id: CryptoHints
        value: cap_bitmap & 0x400 != 0
      os_type:
        value: os_type_code
        enum: os_type
      arch_type:
        value: arch_type_code
        enum: arch_type
      clock_source:
        value: clock_source_code
        enum: clock_source
  block:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      A block: a header and a payload.
    doc-ref: Memory Slice draft-2026-03, §4.1
    seq:
      - id: magic
        -orig-id: Magic
        contents: MSLC
        doc: Marks the beginning of a block.
      - id: block_type_code
        -orig-id: BlockType
        type: u2
        doc: |
          What the block holds.
          0x0000 to 0x0fff: capture-time.
          0x1000 to 0x1fff: structural.
          0x2000 to 0xffff: reserved.
          MUST (consumer): Reject type 0x0000 (§12).
          MUST (consumer): Skip an unknown type by BlockLength (§12).
        doc-ref: Memory Slice draft-2026-03, §4.3
      - id: flags
        -orig-id: Flags
        type: u2
        doc: Properties of the block.
        doc-ref: Memory Slice draft-2026-03, §4.2
      - id: block_length
        -orig-id: BlockLength
        type: u4
        valid:
          min: 80
        doc: |
          Bytes of the whole block on disk: this header and the payload.
      - id: payload_version
        -orig-id: PayloadVersion
        type: u2
        doc: |
          Version of the payload's layout.
          MUST (producer): Write 1 (§12).
          MUST (consumer): Skip an unknown version of a known type (§12).
      - id: reserved
        -orig-id: Reserved
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: block_uuid
        -orig-id: BlockUUID
        size: 16
        doc: |
          Identifies the block. A version 4 UUID, 16 bytes in network order
          whatever the file's byte order (§1.3).
      - id: parent_uuid
        -orig-id: ParentUUID
        size: 16
        doc: |
          BlockUUID of the parent block, or zeros. A version 4 UUID, 16 bytes in
          network order whatever the file's byte order (§1.3).
      - id: prev_hash
        -orig-id: PrevHash
        size: 32
        doc: Link of the integrity chain.
        doc-ref: Memory Slice draft-2026-03, §4.4
      - id: stored
        size: block_length - 80
        type: opaque_payload
        doc: |
          The payload as it is stored: bytes.
      - id: lookahead
        type: block_lookahead
        doc: Whether another block follows.
    instances:
      block_type:
        value: block_type_code
        enum: block_type
      is_compressed:
        -orig-id: Compressed
        value: flags & 0x1 != 0
        doc: The payload is stored compressed with CompAlgo.
      comp_algo:
        -orig-id: CompAlgo
        value: ((flags >> 1) & 3).as<u1>
        enum: comp_algo
        doc: Ignored unless Compressed.
      has_key_hints:
        -orig-id: HasKeyHints
        value: flags & 0x8 != 0
        doc: A Key Hint refers to this block.
      has_children:
        -orig-id: HasChildren
        value: flags & 0x10 != 0
        doc: Another block's ParentUUID refers to this block.
      is_continuation:
        -orig-id: Continuation
        value: flags & 0x20 != 0
        doc: A further fragment of a split memory region.
      payload_kind:
        value: '(payload_version != 1 ? 0x10001.as<s4> : (flags & 0x1 != 0 ? (block_length < 88 ? 0x10001.as<s4> : 0x10000.as<s4>).as<s4> : block_type_code.as<s4>).as<s4>).as<s4>'
        doc: |
          What the payload is read as: the block type, or, above all types,
          compressed (0x10000) or bytes without a layout (0x10001): those of an
          unknown payload version, and those too short to be compressed.
      payload:
        io: stored._io
        pos: 0
        size-eos: true
        type:
          switch-on: payload_kind
          cases:
            0x0001: memory_region
            0x0002: module_entry
            0x0010: module_list_index
            0x0020: key_hint
            0x0030: import_provenance
            0x0040: process_identity
            0x0041: related_dump
            0x0fff: end_of_capture
            0x10000: compressed_payload
            _: opaque_payload
        doc: |
          What the block holds, read when it is asked for: a payload that does
          not hold what its layout says is an error then, and the blocks behind
          it can be read all the same.
  block_lookahead:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Whether a whole block follows. Blocks end where it does not: what is left
      is shorter than a block header (80 bytes), begins otherwise, or ends
      inside the block. Reads nothing; a program that writes files disables the
      instances.
    doc-ref: Memory Slice draft-2026-03, §4.1
    seq:
      - id: mark
        size: 0
    instances:
      magic:
        pos: _io.pos
        size: '(_io.size.as<s8> - _io.pos.as<s8>).as<s8> < 80.as<s8> ? 0 : 4'
      has_magic:
        value: magic == [0x4d, 0x53, 0x4c, 0x43]
      block_length:
        pos: _io.pos + 8
        type: u4
        if: has_magic
      is_block:
        value: has_magic and block_length.as<s8> >= 80.as<s8> and block_length.as<s8> <= (_io.size.as<s8> - _io.pos.as<s8>).as<s8>
  memory_region:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Memory Region (0x0001). A range of the target's address space: a state for
      each page, bytes for the captured ones.
      MUST (producer): Split a region that BlockLength can't hold: the first
      fragment sets HasChildren, each further one sets Continuation and has the
      first as its parent.
    doc-ref: Memory Slice draft-2026-03, §5.1
    seq:
      - id: base_addr
        -orig-id: BaseAddr
        type: u8
        doc: First virtual address of the region.
      - id: region_size
        -orig-id: RegionSize
        type: u8
        doc: |
          Bytes of address space that the region spans.
          MUST (producer): A multiple of the page size.
      - id: protection
        -orig-id: Protection
        type: u1
        doc: Access rights.
      - id: region_type_code
        -orig-id: RegionType
        type: u1
        doc: What backs the region.
      - id: page_size_log2
        -orig-id: PageSizeLog2
        type: u1
        valid:
          min: 10
          max: 40
        doc: |
          Binary logarithm of the page size.
          MUST (consumer): Reject a value outside 10 to 40 (§12).
      - id: reserved
        -orig-id: Reserved
        size: 5
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: timestamp
        -orig-id: Timestamp
        type: u8
        doc: |
          When this region was read. Nanoseconds since the Unix epoch, UTC; zero
          where unknown (§1.3).
      - id: page_state_map
        -orig-id: PageStateMap
        size: '(num_pages >= 0.as<s8> and (((num_pages + 31).as<s8> / 32).as<s8> * 8).as<s8> <= (_io.size.as<s8> - _io.pos.as<s8>).as<s8> ? (((num_pages + 31).as<s8> / 32).as<s8> * 8).as<s8> : ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> + 1).as<s8>).as<s8>'
        doc: |
          The state of every page, two bits each, most significant bits first.
        doc-ref: Memory Slice draft-2026-03, §6
    instances:
      is_read:
        -orig-id: Read
        value: protection & 0x1 != 0
      is_write:
        -orig-id: Write
        value: protection & 0x2 != 0
      is_execute:
        -orig-id: Execute
        value: protection & 0x4 != 0
      is_guard:
        -orig-id: Guard
        value: protection & 0x8 != 0
      is_copy_on_write:
        -orig-id: CopyOnWrite
        value: protection & 0x10 != 0
      region_type:
        value: region_type_code
        enum: region_type
      page_size:
        value: ((1 << (page_size_log2 - 10)).as<u8> * 1024.as<u8>).as<u8>
        doc: Bytes of a page.
      num_pages:
        value: (region_size / page_size).as<s8>
        doc: Pages of the region, and so states in the map.
      page_states:
        -orig-id: PageState
        pos: 0x20
        type: b2
        enum: page_state
        repeat: expr
        repeat-expr: num_pages
        if: num_pages <= 0x7fffffff.as<s8>
        doc: |
          The state of every page. Absent above 0x7fffffff pages, which C++
          can't count. A program that writes files disables this instance: what
          it says stands in page_state_map, and so do the bits behind the last
          page.
      page_data:
        -orig-id: PageData
        pos: (0x20.as<s8> + (((num_pages + 31).as<s8> / 32).as<s8> * 8).as<s8>).as<s8>
        size-eos: true
        doc: The captured pages' bytes, one page behind the other.
  module_entry:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Module Entry (0x0002). One executable image or library mapped into the
      target.
      MUST (producer): BlockUUID is the ModuleUUID of the Module List Index.
      MUST (producer): ParentUUID is the Module List Index.
    doc-ref: Memory Slice draft-2026-03, §5.2
    seq:
      - id: base_addr
        -orig-id: BaseAddr
        type: u8
        doc: Where the module is mapped.
      - id: module_size
        -orig-id: ModuleSize
        type: u8
        doc: Bytes of address space that the module spans.
      - id: path_len
        -orig-id: PathLen
        type: u2
        doc: Length of Path with its NUL.
      - id: version_len
        -orig-id: VersionLen
        type: u2
        doc: |
          Length of Version with its NUL; 0: none known.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: path_raw
        -orig-id: Path
        size: (path_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The module's file.
      - id: version_raw
        -orig-id: Version
        size: (version_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The module's version, as its producer says it.
      - id: disk_hash
        -orig-id: DiskHash
        size: 32
        doc: |
          Hash of the module's file on disk; all zeros: not available.
          MUST (producer): Write zeros when the file is unavailable (§12).
          MUST (consumer): Read all zeros as not available (§12).
      - id: blob_len
        -orig-id: BlobLen
        type: u4
        if: _io.size.as<s8> >= (64.as<s8> + ((path_len.as<u4> + 7) / 8 * 8).as<s8> + ((version_len.as<u4> + 7) / 8 * 8).as<s8>).as<s8>
        doc: |
          Length of NativeBlob.
          MemDiver 1.0 ends the structure before this field.
      - id: reserved2
        -orig-id: Reserved2
        size: 4
        if: _io.size.as<s8> >= (64.as<s8> + ((path_len.as<u4> + 7) / 8 * 8).as<s8> + ((version_len.as<u4> + 7) / 8 * 8).as<s8>).as<s8>
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
          MemDiver 1.0 ends the structure before this field.
      - id: native_blob
        -orig-id: NativeBlob
        size: '(blob_len.as<s8> <= (_io.size.as<s8> - _io.pos.as<s8>).as<s8> ? blob_len.as<s8> : ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> + 1).as<s8>).as<s8>'
        if: _io.size.as<s8> >= (64.as<s8> + ((path_len.as<u4> + 7) / 8 * 8).as<s8> + ((version_len.as<u4> + 7) / 8 * 8).as<s8>).as<s8>
        doc: |
          What the operating system itself keeps about the module.
          SHOULD (producer): Windows: LDR_DATA_TABLE_ENTRY; Linux and Android:
          the maps or smaps line with a NUL; macOS: dyld_image_info.
          MemDiver 1.0 ends the structure before this field.
      - id: native_blob_padding
        size: (((((blob_len.as<s8> + 7).as<s8> / 8).as<s8> * 8).as<s8>).as<s8> - blob_len.as<s8>).as<s8>
        if: _io.size.as<s8> >= (64.as<s8> + ((path_len.as<u4> + 7) / 8 * 8).as<s8> + ((version_len.as<u4> + 7) / 8 * 8).as<s8>).as<s8>
        doc: Zeros behind NativeBlob.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      path:
        -orig-id: Path
        value: path_raw.content.to_s('UTF-8')
      version:
        -orig-id: Version
        value: version_raw.content.to_s('UTF-8')
  module_list_index:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Module List Index (0x0010). All modules of the target, known before the
      first of them is written.
      MUST (live acquirer): Be Block 1 of a live acquisition.
    doc-ref: Memory Slice draft-2026-03, §5.3
    seq:
      - id: entry_count
        -orig-id: EntryCount
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 40).as<u4>
        doc: Number of entries.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: entries
        -orig-id: Entries
        type: module_list_entry
        repeat: expr
        repeat-expr: entry_count
        doc: One entry for each module.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  module_list_entry:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Module List Entry.
    doc-ref: Memory Slice draft-2026-03, §5.3
    seq:
      - id: module_uuid
        -orig-id: ModuleUUID
        size: 16
        doc: |
          BlockUUID of the module's Module Entry. A version 4 UUID, 16 bytes in
          network order whatever the file's byte order (§1.3).
      - id: base_addr
        -orig-id: BaseAddr
        type: u8
        doc: Where the module is mapped.
      - id: module_size
        -orig-id: ModuleSize
        type: u8
        doc: Bytes that the module spans.
      - id: path_len
        -orig-id: PathLen
        type: u2
        doc: Length of Path with its NUL.
      - id: reserved
        -orig-id: Reserved
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: reserved2
        -orig-id: Reserved2
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: path_raw
        -orig-id: Path
        size: (path_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The module's file.
    instances:
      path:
        -orig-id: Path
        value: path_raw.content.to_s('UTF-8')
  key_hint:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Key Hint (0x0020). Where key material may lie inside a memory region.
    doc-ref: Memory Slice draft-2026-03, §5.6
    seq:
      - id: region_uuid
        -orig-id: RegionUUID
        size: 16
        doc: |
          BlockUUID of the memory region. A version 4 UUID, 16 bytes in network
          order whatever the file's byte order (§1.3).
      - id: region_offset
        -orig-id: RegionOffset
        type: u8
        doc: |
          Where the key begins in the region's PageData; pages without data
          don't count.
      - id: key_len
        -orig-id: KeyLen
        type: u4
        doc: Length of the key in bytes.
      - id: key_type_code
        -orig-id: KeyType
        type: u2
        doc: Kind of key.
      - id: protocol_code
        -orig-id: Protocol
        type: u2
        doc: Protocol that the key belongs to.
      - id: confidence_code
        -orig-id: Confidence
        type: u1
        doc: How sure the producer is.
      - id: key_state_code
        -orig-id: KeyState
        type: u1
        doc: Whether the key was in use.
      - id: reserved
        -orig-id: Reserved
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: note_len
        -orig-id: NoteLen
        type: u4
        doc: Length of Note with its NUL.
      - id: reserved2
        -orig-id: Reserved2
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: note_raw
        -orig-id: Note
        size: '((((note_len.as<s8> + 7).as<s8> / 8).as<s8> * 8).as<s8> <= (_io.size.as<s8> - _io.pos.as<s8>).as<s8> ? (((note_len.as<s8> + 7).as<s8> / 8).as<s8> * 8).as<s8> : ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> + 1).as<s8>).as<s8>'
        type: padded_text
        doc: A remark for people.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      key_type:
        value: key_type_code
        enum: key_type
      protocol:
        value: protocol_code
        enum: protocol
      confidence:
        value: confidence_code
        enum: confidence
      key_state:
        value: key_state_code
        enum: key_state
      note:
        -orig-id: Note
        value: note_raw.content.to_s('UTF-8')
  import_provenance:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Import Provenance (0x0030). What a converted dump was converted from.
      MUST (importer): Exactly one, as Block 0.
    doc-ref: Memory Slice draft-2026-03, §9
    seq:
      - id: source_format_code
        -orig-id: SourceFormat
        type: u2
        doc: Format of the original.
      - id: reserved
        -orig-id: Reserved
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: tool_name_len
        -orig-id: ToolNameLen
        type: u4
        doc: Length of ToolName with its NUL.
      - id: import_time
        -orig-id: ImportTime
        type: u8
        doc: |
          When the conversion took place. Nanoseconds since the Unix epoch, UTC;
          zero where unknown (§1.3).
      - id: orig_file_size
        -orig-id: OrigFileSize
        type: u8
        doc: Size of the original in bytes.
      - id: note_len
        -orig-id: NoteLen
        type: u4
        doc: Length of Note with its NUL.
      - id: reserved2
        -orig-id: Reserved2
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: tool_name_raw
        -orig-id: ToolName
        size: '((((tool_name_len.as<s8> + 7).as<s8> / 8).as<s8> * 8).as<s8> <= (_io.size.as<s8> - _io.pos.as<s8>).as<s8> ? (((tool_name_len.as<s8> + 7).as<s8> / 8).as<s8> * 8).as<s8> : ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> + 1).as<s8>).as<s8>'
        type: padded_text
        doc: The converter.
      - id: note_raw
        -orig-id: Note
        size: '((((note_len.as<s8> + 7).as<s8> / 8).as<s8> * 8).as<s8> <= (_io.size.as<s8> - _io.pos.as<s8>).as<s8> ? (((note_len.as<s8> + 7).as<s8> / 8).as<s8> * 8).as<s8> : ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> + 1).as<s8>).as<s8>'
        type: padded_text
        doc: A remark for people.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      source_format:
        value: source_format_code
        enum: source_format
      tool_name:
        -orig-id: ToolName
        value: tool_name_raw.content.to_s('UTF-8')
      note:
        -orig-id: Note
        value: note_raw.content.to_s('UTF-8')
  process_identity:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Process Identity (0x0040). Which process the dump is of.
      MUST (live acquirer): Be Block 0 of a live acquisition.
      MUST (importer): Where there is one, stand directly behind Block 0 (§2).
    doc-ref: Memory Slice draft-2026-03, §5.4
    seq:
      - id: ppid
        -orig-id: PPID
        type: u4
        doc: |
          Process ID of the parent; 0: unknown.
      - id: session_id
        -orig-id: SessionID
        type: u4
        doc: |
          Session of the process; 0: unknown.
      - id: start_time
        -orig-id: StartTime
        type: u8
        doc: |
          When the process was started; 0: unknown. Nanoseconds since the Unix
          epoch, UTC; zero where unknown (§1.3).
      - id: exe_path_len
        -orig-id: ExePathLen
        type: u2
        doc: Length of ExePath with its NUL.
      - id: cmd_line_len
        -orig-id: CmdLineLen
        type: u2
        doc: Length of CmdLine with its NUL.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: exe_path_raw
        -orig-id: ExePath
        size: (exe_path_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The process's executable.
      - id: cmd_line_raw
        -orig-id: CmdLine
        size: (cmd_line_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: Its command line.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      exe_path:
        -orig-id: ExePath
        value: exe_path_raw.content.to_s('UTF-8')
      cmd_line:
        -orig-id: CmdLine
        value: cmd_line_raw.content.to_s('UTF-8')
  related_dump:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Related Dump (0x0041). Another dump that belongs with this one.
    doc-ref: Memory Slice draft-2026-03, §5.5
    seq:
      - id: related_dump_uuid
        -orig-id: RelatedDumpUUID
        size: 16
        doc: |
          DumpUUID of the other file. A version 4 UUID, 16 bytes in network
          order whatever the file's byte order (§1.3).
      - id: related_pid
        -orig-id: RelatedPID
        type: u4
        doc: Process ID of the other process.
      - id: relationship_code
        -orig-id: Relationship
        type: u2
        doc: How the two relate.
      - id: reserved
        -orig-id: Reserved
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      relationship:
        value: relationship_code
        enum: relationship
  end_of_capture:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      End-of-Capture (0x0fff). The acquirer finished; without it the dump is
      possibly incomplete.
      SHOULD (producer): Be the last block.
    doc-ref: Memory Slice draft-2026-03, §4.5
    seq:
      - id: file_hash
        -orig-id: FileHash
        size: 32
        doc: Hash of every byte before this block.
      - id: acq_end
        -orig-id: AcqEnd
        type: u8
        doc: |
          When the acquisition ended. Nanoseconds since the Unix epoch, UTC;
          zero where unknown (§1.3).
      - id: reserved
        -orig-id: Reserved
        size: 8
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  compressed_payload:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Compressed Payload.
    doc-ref: Memory Slice draft-2026-03, §4.2
    seq:
      - id: uncompressed_size
        -orig-id: UncompressedSize
        type: u8
        doc: |
          Size of the payload once inflated, fixed fields included.
          SHOULD (producer): This draft leaves the framing open; its producers
          wrote the size and the stream as draft 2026-10 §4.2.1 then fixed it,
          padded to 8 with zeros.
      - id: stream
        -orig-id: Stream
        size-eos: true
        doc: One zstd frame, or a little-endian u32 size and one LZ4 block.
  padded_text:
    doc: |
      UTF-8 text, a NUL, and zeros up to the next multiple of 8 bytes. A program
      that writes files disables the instance: what it says stands in the field.
    seq:
      - id: stored
        size-eos: true
        doc: All of it.
    instances:
      content:
        pos: 0
        size-eos: true
        terminator: 0
        doc: Up to the NUL, or all of it where there is none.
  opaque_payload:
    doc: Bytes that nothing more is known about.
    seq:
      - id: data
        size-eos: true
enums:
  arch_type:
    0x0000:
      id: x86
      -orig-id: x86
    0x0001:
      id: x86_64
      -orig-id: x86_64
    0x0002:
      id: arm64
      -orig-id: ARM64
    0x0003:
      id: arm32
      -orig-id: ARM32
    0x0004:
      id: mips32
      -orig-id: MIPS32
    0x0005:
      id: mips64
      -orig-id: MIPS64
    0x0006:
      id: riscv32
      -orig-id: RISC-V RV32
    0x0007:
      id: riscv64
      -orig-id: RISC-V RV64
    0x0008:
      id: ppc32
      -orig-id: PPC32
    0x0009:
      id: ppc64
      -orig-id: PPC64
    0x000a:
      id: s390x
      -orig-id: s390x
    0x000b:
      id: loongarch64
      -orig-id: LoongArch64
    0xffff:
      id: unknown_arch_type
      -orig-id: Unknown
  block_type:
    0x0000:
      id: invalid
      doc: Must not appear.
      -orig-id: Invalid
    0x0001:
      id: memory_region
      doc: |
        A range of the target's address space: a state for each page, bytes for
        the captured ones.
      -orig-id: Memory Region
    0x0002:
      id: module_entry
      doc: One executable image or library mapped into the target.
      -orig-id: Module Entry
    0x0010:
      id: module_list_index
      doc: All modules of the target, known before the first of them is written.
      -orig-id: Module List Index
    0x0011:
      id: thread_context
      doc: Registers of one thread.
      -orig-id: Thread Context
    0x0012:
      id: file_descriptor
      doc: An open file of the target.
      -orig-id: File Descriptor
    0x0013:
      id: network_connection
      doc: A connection of the target.
      -orig-id: Network Connection
    0x0014:
      id: environment_block
      doc: The target's environment.
      -orig-id: Environment Block
    0x0015:
      id: security_token
      doc: The target's credentials.
      -orig-id: Security Token
    0x0020:
      id: key_hint
      doc: Where key material may lie inside a memory region.
      -orig-id: Key Hint
    0x0030:
      id: import_provenance
      doc: What a converted dump was converted from.
      -orig-id: Import Provenance
    0x0040:
      id: process_identity
      doc: Which process the dump is of.
      -orig-id: Process Identity
    0x0041:
      id: related_dump
      doc: Another dump that belongs with this one.
      -orig-id: Related Dump
    0x0fff:
      id: end_of_capture
      doc: The acquirer finished; without it the dump is possibly incomplete.
      -orig-id: End-of-Capture
    0x1001:
      id: vas_map
      doc: The layout of the target's address space.
      -orig-id: VAS Map
    0x1003:
      id: pointer_graph
      doc: Which regions point into which.
      -orig-id: Pointer Graph
  clock_source:
    0x00:
      id: unknown_clock_source
      -orig-id: Unknown
    0x01:
      id: clock_realtime
      -orig-id: CLOCK_REALTIME
    0x02:
      id: clock_monotonic_raw
      -orig-id: CLOCK_MONOTONIC_RAW
    0x03:
      id: query_performance_counter
      -orig-id: QueryPerformanceCounter
    0x04:
      id: mach_absolute_time
      -orig-id: mach_absolute_time
    0xff:
      id: other
      -orig-id: Other
  comp_algo:
    0x00:
      id: none
      -orig-id: None
    0x01:
      id: zstd
      -orig-id: zstd
    0x02:
      id: lz4
      -orig-id: lz4
    0x03:
      id: reserved
      -orig-id: Reserved
  confidence:
    0x00:
      id: speculative
      -orig-id: Speculative
    0x01:
      id: heuristic
      -orig-id: Heuristic
    0x02:
      id: confirmed
      -orig-id: Confirmed
  endianness_value:
    0x01:
      id: little
      -orig-id: Little
    0x02:
      id: big
      -orig-id: Big
  key_state:
    0x00:
      id: unknown_key_state
      -orig-id: Unknown
    0x01:
      id: active
      -orig-id: Active
    0x02:
      id: expired
      -orig-id: Expired/zeroed
  key_type:
    0x0000:
      id: unknown_key_type
      -orig-id: Unknown
    0x0001:
      id: pre_master_secret
      -orig-id: Pre-Master Secret
    0x0002:
      id: master_secret
      -orig-id: Master Secret
    0x0003:
      id: session_key
      -orig-id: Session Key
    0x0004:
      id: handshake_secret
      -orig-id: Handshake Secret
    0x0005:
      id: application_traffic_secret
      -orig-id: Application Traffic Secret
    0x0006:
      id: rsa_private_key
      -orig-id: RSA Private Key
    0x0007:
      id: ecdh_private_key
      -orig-id: ECDH Private Key
    0x0008:
      id: ike_sa_key
      -orig-id: IKE SA Key
    0x0009:
      id: esp_ah_key
      -orig-id: ESP/AH Key
    0x000a:
      id: ssh_session_key
      -orig-id: SSH Session Key
    0x000b:
      id: wireguard_key
      -orig-id: WireGuard Key
    0xffff:
      id: other
      -orig-id: Other
  os_type:
    0x0000:
      id: windows
      -orig-id: Windows
    0x0001:
      id: linux
      -orig-id: Linux
    0x0002:
      id: macos
      -orig-id: macOS
    0x0003:
      id: android
      -orig-id: Android
    0x0004:
      id: ios
      -orig-id: iOS/iPadOS
    0x0005:
      id: freebsd
      -orig-id: FreeBSD
    0x0006:
      id: netbsd
      -orig-id: NetBSD
    0x0007:
      id: openbsd
      -orig-id: OpenBSD
    0x0008:
      id: qnx
      -orig-id: QNX
    0x0009:
      id: fuchsia
      -orig-id: Fuchsia
    0xffff:
      id: unknown_os_type
      -orig-id: Unknown
  page_state:
    0x00:
      id: captured
      doc: Its bytes are in PageData.
      -orig-id: Captured
    0x01:
      id: failed
      doc: Mapped, but it could not be read.
      -orig-id: Failed
    0x02:
      id: unmapped
      doc: Gone between enumeration and reading.
      -orig-id: Unmapped
    0x03:
      id: reserved
      doc: To be treated as Failed.
      -orig-id: Reserved
  protocol:
    0x0000:
      id: unknown_protocol
      -orig-id: Unknown
    0x0001:
      id: tls_1_2
      -orig-id: TLS 1.2
    0x0002:
      id: tls_1_3
      -orig-id: TLS 1.3
    0x0003:
      id: dtls_1_2
      -orig-id: DTLS 1.2
    0x0004:
      id: dtls_1_3
      -orig-id: DTLS 1.3
    0x0005:
      id: quic
      -orig-id: QUIC
    0x0006:
      id: ikev2_ipsec
      -orig-id: IKEv2/IPsec
    0x0007:
      id: ssh
      -orig-id: SSH
    0x0008:
      id: wireguard
      -orig-id: WireGuard
    0x0009:
      id: pq_tls
      -orig-id: PQ-TLS
    0xffff:
      id: other
      -orig-id: Other
  region_type:
    0x00:
      id: unknown_region_type
      -orig-id: Unknown
    0x01:
      id: heap
      -orig-id: Heap
    0x02:
      id: stack
      -orig-id: Stack
    0x03:
      id: image
      -orig-id: Image
    0x04:
      id: mapped_file
      -orig-id: MappedFile
    0x05:
      id: anonymous
      -orig-id: Anonymous
    0x06:
      id: shared_mem
      -orig-id: SharedMem
    0xff:
      id: other
      -orig-id: Other
  relationship:
    0x0000:
      id: unknown_relationship
      -orig-id: Unknown
    0x0001:
      id: parent
      -orig-id: Parent
    0x0002:
      id: child
      -orig-id: Child
    0x0003:
      id: shared_memory
      -orig-id: SharedMemory
    0x0004:
      id: ipc_peer
      -orig-id: IPC peer
    0x0005:
      id: thread_group
      -orig-id: Thread group
    0xffff:
      id: other
      -orig-id: Other
  source_format:
    0x0000:
      id: unknown_source_format
      -orig-id: Unknown
    0x0001:
      id: raw_byte_stream
      -orig-id: Raw byte stream
    0x0002:
      id: elf_core
      -orig-id: ELF core
    0x0003:
      id: windows_minidump
      -orig-id: Windows Minidump
    0x0004:
      id: macos_core
      -orig-id: macOS core
    0x0005:
      id: procdump
      -orig-id: ProcDump
    0xffff:
      id: other
      -orig-id: Other
