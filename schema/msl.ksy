meta:
  id: msl
  title: Memory Slice (.msl) dump of a process, draft-2026-10, format version 1.1
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
  This file describes draft-2026-10 (version 1.1 with the 1.1.1 sealing
  amendment, working draft); it reads files of draft-2026-03 as well.

  A field is called here as everywhere else where this format is described in
  snake case: PathLen is path_len, not len_path, because one name for one thing
  is worth more than a prefix. -orig-id has the specification's own spelling. A
  field of a registry is a number, NAME_code, and an instance NAME with its
  enumeration, so that unregistered numbers are kept; text is its stored bytes,
  NAME_raw, and an instance NAME that is decoded when it is asked for, so that
  bytes that are not UTF-8 don't end the parse.

  Left as bytes: payloads of a type or payload version that the draft gives no
  layout for, compressed payloads (behind their uncompressed size), the blocks
  of encrypted files (in trailing_data), and what stands behind the last block.
  A block that is not whole ends the blocks. A payload is read when it is asked
  for; one that does not hold what its layout says is an error then, of that
  block alone. stored has its bytes.

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
    doc-ref: Memory Slice draft-2026-10, §3
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
      MUST (producer): Write 1: format version 1.1 is little-endian.
    doc-ref: Memory Slice draft-2026-10, §3
  - id: header_size
    -orig-id: HeaderSize
    type: u1
    valid:
      min: 64
    doc: |
      Size of this header in bytes: Block 0 begins at this file offset.
      MUST (producer): Write 64, or 128 when Encrypted.
    doc-ref: Memory Slice draft-2026-10, §3
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
    if: not file_header.has_ciphertext and lookahead.is_block
    doc: |
      The blocks, those of extension segments included: a segment is what stands
      behind the End-of-Capture, or behind another segment, up to its
      End-of-Extension. Blocks behind the last block of these two types are
      those of a segment that nobody closed: they are shown like the others, and
      are not to be relied on. Whether a closed segment holds, its hashes say,
      which are not verified here.
  - id: trailing_data
    size-eos: true
    doc: Everything behind the last block; of an encrypted file everything else.
types:
  file_header_fields:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: File Header, behind its size.
    doc-ref: Memory Slice draft-2026-10, §3
    seq:
      - id: version
        -orig-id: Version
        type: u2
        valid:
          min: 0x0100
          max: 0x01ff
        doc: |
          Format version, the major number in the high byte.
          MUST (consumer): Parse an unknown minor version of major 1.
          SHOULD (consumer): Reject another major version.
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
      - id: block_count
        -orig-id: BlockCount
        type: u4
        doc: |
          Blocks of the capture segment, End-of-Capture included; 0: unknown.
          MUST NOT (producer): Patch it after writing.
          MUST (producer): Agree with the blocks unless 0.
          Since draft-2026-10.
      - id: hash_algo_code
        -orig-id: HashAlgo
        type: u1
        doc: |
          The file's hash algorithm.
          Since draft-2026-10.
      - id: reserved
        -orig-id: Reserved
        size: 2
        doc: |
          For later versions.
          Since draft-2026-10.
      - id: encryption
        type: encryption_header
        if: has_ciphertext and (_io.size.as<s8> - _io.pos.as<s8>).as<s8> >= 64.as<s8>
        doc: How the blocks are encrypted.
        doc-ref: Memory Slice draft-2026-10, §3
      - id: extension
        size-eos: true
        doc: Header bytes behind the known fields.
    instances:
      is_imported:
        -orig-id: Imported
        value: flags & 0x1 != 0
        doc: Converted from another format (§9).
      is_investigation:
        -orig-id: Investigation
        value: flags & 0x2 != 0
        doc: The file holds tables about the whole machine (§6).
      is_encrypted:
        -orig-id: Encrypted
        value: flags & 0x4 != 0
        doc: The blocks are one AEAD message (§10).
      is_redacted:
        -orig-id: Redacted
        value: flags & 0x8 != 0
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
      has_system_context:
        -orig-id: SystemContext
        value: cap_bitmap & 0x800 != 0
      has_system_process_table:
        -orig-id: SystemProcessTable
        value: cap_bitmap & 0x1000 != 0
      has_system_network_table:
        -orig-id: SystemNetworkTable
        value: cap_bitmap & 0x2000 != 0
      has_system_handle_table:
        -orig-id: SystemHandleTable
        value: cap_bitmap & 0x4000 != 0
      os_type:
        value: os_type_code
        enum: os_type
      arch_type:
        value: arch_type_code
        enum: arch_type
      clock_source:
        value: clock_source_code
        enum: clock_source
      hash_algo:
        value: hash_algo_code
        enum: hash_algo
      has_ciphertext:
        value: version >= 0x0101 and flags & 0x4 != 0
        doc: Whether the blocks are ciphertext.
  block:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      A block: a header and a payload.
    doc-ref: Memory Slice draft-2026-10, §4.1
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
        doc-ref: Memory Slice draft-2026-10, §4.3
      - id: flags
        -orig-id: Flags
        type: u2
        doc: Properties of the block.
        doc-ref: Memory Slice draft-2026-10, §4.2
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
        doc-ref: Memory Slice draft-2026-10, §4.4
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
        value: '(payload_version != 1 ? 0x10001.as<s4> : (flags & 0x1 != 0 ? (block_length < 88 ? 0x10001.as<s4> : 0x10000.as<s4>).as<s4> : (_root.file_header.version < 0x0101 and (block_type_code == 0x0011 or block_type_code == 0x0050 or block_type_code == 0x0051 or block_type_code == 0x0052 or block_type_code == 0x0053 or block_type_code == 0x0054 or block_type_code == 0x0059 or block_type_code == 0x005a or block_type_code == 0x005b or block_type_code == 0x0ffe or block_type_code == 0x1001) ? 0x10001.as<s4> : block_type_code.as<s4>).as<s4>).as<s4>).as<s4>'
        doc: |
          What the payload is read as: the block type, or, above all types,
          compressed (0x10000) or bytes without a layout (0x10001): those of an
          unknown payload version, and those too short to be compressed, and
          those of a type that a file of this version has no layout for.
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
            0x0011: thread_context
            0x0020: key_hint
            0x0030: import_provenance
            0x0040: process_identity
            0x0041: related_dump
            0x0050: system_context
            0x0051: process_table
            0x0052: connection_table
            0x0053: handle_table
            0x0054: connectivity_table
            0x0059: physical_memory_map
            0x005a: module_build_id_manifest
            0x005b: region_omission_manifest
            0x0ffe: end_of_extension
            0x0fff: end_of_capture
            0x1001: vas_map
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
    doc-ref: Memory Slice draft-2026-10, §4.1
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
  encryption_header:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Encryption Header.
    doc-ref: Memory Slice draft-2026-10, §3
    seq:
      - id: enc_algo_code
        -orig-id: EncAlgo
        type: u1
        doc: Cipher of the blocks.
      - id: kdf_type_code
        -orig-id: KDFType
        type: u1
        doc: How a passphrase becomes the key.
      - id: key_encap_code
        -orig-id: KeyEncap
        type: u1
        doc: How the key is enclosed.
      - id: reserved
        -orig-id: Reserved
        size: 1
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: kdf_time
        -orig-id: KDFTime
        type: u4
        doc: Passes of the key derivation.
      - id: kdf_memory
        -orig-id: KDFMemory
        type: u4
        doc: Memory of the key derivation in KiB.
      - id: kdf_lanes
        -orig-id: KDFLanes
        type: u1
        doc: Lanes of the key derivation.
      - id: reserved2
        -orig-id: Reserved2
        size: 1
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: kem_ct_len
        -orig-id: KEMCtLen
        type: u2
        doc: Bytes of the enclosed key, which stands behind this header.
      - id: nonce
        -orig-id: Nonce
        size: 24
        doc: Nonce of the cipher; AES-256-GCM uses the first 12 bytes.
      - id: kdf_salt
        -orig-id: KDFSalt
        size: 16
        doc: Salt of the key derivation.
      - id: cipher_len
        -orig-id: CipherLen
        type: u8
        doc: |
          Bytes of ciphertext in front of the tag; 0: not recorded.
    instances:
      enc_algo:
        value: enc_algo_code
        enum: enc_algo
      kdf_type:
        value: kdf_type_code
        enum: kdf_type
      key_encap:
        value: key_encap_code
        enum: key_encap
  seal_header:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Seal Header: stands in front of each segment that was added to an
      encrypted file. Nothing here reads it, as it stands behind ciphertext in
      trailing_data: make one of a stream that begins with it.
    doc-ref: Memory Slice draft-2026-10, §10.8
    seq:
      - id: magic
        -orig-id: Magic
        contents: MSLS
        doc: Marks the beginning of it.
      - id: seal_hdr_size
        -orig-id: SealHdrSize
        type: u2
        doc: Bytes of this header.
      - id: seg_index
        -orig-id: SegIndex
        type: u2
        doc: |
          Number of the sealed segment, from 1.
          MUST (consumer): Take the first that fails, and all behind, for
          trailing.
      - id: seg_cipher_len
        -orig-id: SegCipherLen
        type: u8
        doc: Bytes of ciphertext in front of the segment's tag.
      - id: nonce
        -orig-id: Nonce
        size: 24
        doc: Nonce of the cipher; AES-256-GCM uses the first 12 bytes.
      - id: reserved
        -orig-id: Reserved
        size: 24
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
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
    doc-ref: Memory Slice draft-2026-10, §5.1
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
        doc-ref: Memory Slice draft-2026-10, §7
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
    doc-ref: Memory Slice draft-2026-10, §5.2
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
    doc-ref: Memory Slice draft-2026-10, §5.3
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
    doc-ref: Memory Slice draft-2026-10, §5.3
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
  thread_context:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Thread Context (0x0011). The registers of one thread.
      MUST (producer): Stand before the first Memory Region.
      SHOULD (producer): Exactly one thread is Current.
    doc-ref: Memory Slice draft-2026-10, §5.7
    seq:
      - id: thread_id
        -orig-id: ThreadID
        type: u8
        doc: The thread's ID.
      - id: start_time
        -orig-id: StartTime
        type: u8
        doc: |
          When the thread was started; 0: unknown. Nanoseconds since the Unix
          epoch, UTC; zero where unknown (§1.3).
      - id: flags
        -orig-id: Flags
        type: u2
        doc: What is special about the thread.
      - id: thread_state_code
        -orig-id: ThreadState
        type: u1
        doc: State at capture.
      - id: arch
        -orig-id: Arch
        type: u1
        doc: |
          Instruction set of the registers; 0: as the header says.
      - id: reg_count
        -orig-id: RegCount
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 8).as<u4>
        doc: Number of registers.
      - id: name_len
        -orig-id: NameLen
        type: u2
        doc: Length of ThreadName with its NUL.
      - id: reserved
        -orig-id: Reserved
        size: 6
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: thread_name_raw
        -orig-id: ThreadName
        size: (name_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The thread's name.
      - id: registers
        -orig-id: Registers
        type: register
        repeat: expr
        repeat-expr: reg_count
        doc: |
          The registers.
          MUST (producer): PC and SP are among them.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      is_current:
        -orig-id: Current
        value: flags & 0x1 != 0
      is_crashed:
        -orig-id: Crashed
        value: flags & 0x2 != 0
      is_suspended:
        -orig-id: Suspended
        value: flags & 0x4 != 0
      is_partial:
        -orig-id: Partial
        value: flags & 0x8 != 0
        doc: Not all of its registers could be read.
      thread_state:
        value: thread_state_code
        enum: thread_state
      thread_name:
        -orig-id: ThreadName
        value: thread_name_raw.content.to_s('UTF-8')
  register:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Register.
    doc-ref: Memory Slice draft-2026-10, §5.7
    seq:
      - id: name_len
        -orig-id: NameLen
        type: u1
        doc: Length of Name with its NUL.
      - id: width
        -orig-id: Width
        type: u1
        doc: Bytes of the value.
      - id: flags
        -orig-id: Flags
        type: u2
        doc: Its role.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: name_raw
        -orig-id: Name
        size: (name_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The register's name, lower case.
      - id: value
        -orig-id: Value
        size: width
        doc: Its content, in file order.
      - id: value_padding
        size: (((width.as<u4> + 7) / 8 * 8).as<s8> - width.as<s8>).as<s8>
        doc: Zeros behind Value.
    instances:
      is_pc:
        -orig-id: PC
        value: flags & 0x1 != 0
      is_sp:
        -orig-id: SP
        value: flags & 0x2 != 0
      is_fp:
        -orig-id: FP
        value: flags & 0x4 != 0
      is_flags:
        -orig-id: flags
        value: flags & 0x8 != 0
      is_thread_pointer:
        -orig-id: thread pointer
        value: flags & 0x10 != 0
      is_link_register:
        -orig-id: link register
        value: flags & 0x20 != 0
      name:
        -orig-id: Name
        value: name_raw.content.to_s('UTF-8')
      value_number:
        value: '(value[0].as<u8> + (width > 1 ? (value[1].as<u8> + (width > 2 ? (value[2].as<u8> + (width > 3 ? (value[3].as<u8> + (width > 4 ? (value[4].as<u8> + (width > 5 ? (value[5].as<u8> + (width > 6 ? (value[6].as<u8> + (width > 7 ? value[7].as<u8> : 0.as<u8>).as<u8> * 256.as<u8>).as<u8> : 0.as<u8>).as<u8> * 256.as<u8>).as<u8> : 0.as<u8>).as<u8> * 256.as<u8>).as<u8> : 0.as<u8>).as<u8> * 256.as<u8>).as<u8> : 0.as<u8>).as<u8> * 256.as<u8>).as<u8> : 0.as<u8>).as<u8> * 256.as<u8>).as<u8> : 0.as<u8>).as<u8> * 256.as<u8>).as<u8>'
        if: '_root.endianness == endianness_value::little and width >= 1 and width <= 8'
        doc: |
          Value as a number. Absent where it has no byte or more than 8, and in
          big-endian files. Languages without unsigned numbers of 64 bits show
          it as they show a u8: JavaScript, and PHP from 2^63 on, rounded; Java,
          Lua with a sign.
  key_hint:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Key Hint (0x0020). Where key material may lie inside a memory region.
    doc-ref: Memory Slice draft-2026-10, §5.6
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
    doc-ref: Memory Slice draft-2026-10, §9
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
    doc-ref: Memory Slice draft-2026-10, §5.4
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
    doc-ref: Memory Slice draft-2026-10, §5.5
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
      - id: target_hash
        -orig-id: TargetHash
        size: 32
        if: _io.size.as<s8> >= 56.as<s8>
        doc: |
          FileHash of the related file; zeros: unknown.
          Since draft-2026-10.
          The structure may end before this field.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      relationship:
        value: relationship_code
        enum: relationship
  system_context:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: System Context (0x0050). The machine and the case.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: boot_time
        -orig-id: BootTime
        type: u8
        doc: |
          When the machine was started. Nanoseconds since the Unix epoch, UTC;
          zero where unknown (§1.3).
      - id: target_count
        -orig-id: TargetCount
        type: u1
        doc: Processes that were acquired together.
      - id: table_bitmap
        -orig-id: TableBitmap
        type: u4
        doc: Tables that follow.
      - id: acq_user_len
        -orig-id: AcqUserLen
        type: u2
        doc: |
          Length of AcqUser with its NUL; 0: none.
      - id: hostname_len
        -orig-id: HostnameLen
        type: u2
        doc: |
          Length of Hostname with its NUL; 0: none.
      - id: domain_len
        -orig-id: DomainLen
        type: u2
        doc: |
          Length of Domain with its NUL; 0: none.
      - id: os_detail_len
        -orig-id: OSDetailLen
        type: u2
        doc: |
          Length of OSDetail with its NUL; 0: none.
      - id: case_ref_len
        -orig-id: CaseRefLen
        type: u2
        doc: |
          Length of CaseRef with its NUL; 0: none.
      - id: reserved
        -orig-id: Reserved
        size: 9
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: acq_user_raw
        -orig-id: AcqUser
        size: (acq_user_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: Who acquired.
      - id: hostname_raw
        -orig-id: Hostname
        size: (hostname_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: Name of the machine.
      - id: domain_raw
        -orig-id: Domain
        size: (domain_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: Domain of the machine.
      - id: os_detail_raw
        -orig-id: OSDetail
        size: (os_detail_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: Operating system, in words.
      - id: case_ref_raw
        -orig-id: CaseRef
        size: (case_ref_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The case.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      has_process_table:
        -orig-id: ProcessTable
        value: table_bitmap & 0x1 != 0
      has_connection_table:
        -orig-id: ConnectionTable
        value: table_bitmap & 0x2 != 0
      has_handle_table:
        -orig-id: HandleTable
        value: table_bitmap & 0x4 != 0
      has_connectivity_table:
        -orig-id: ConnectivityTable
        value: table_bitmap & 0x8 != 0
      has_kernel_symbol_bundle:
        -orig-id: KernelSymbolBundle
        value: table_bitmap & 0x10 != 0
      has_persistence_manifest:
        -orig-id: PersistenceManifest
        value: table_bitmap & 0x40 != 0
      has_kernel_module_list:
        -orig-id: KernelModuleList
        value: table_bitmap & 0x80 != 0
      has_target_introspection:
        -orig-id: TargetIntrospection
        value: table_bitmap & 0x200 != 0
      acq_user:
        -orig-id: AcqUser
        value: acq_user_raw.content.to_s('UTF-8')
      hostname:
        -orig-id: Hostname
        value: hostname_raw.content.to_s('UTF-8')
      domain:
        -orig-id: Domain
        value: domain_raw.content.to_s('UTF-8')
      os_detail:
        -orig-id: OSDetail
        value: os_detail_raw.content.to_s('UTF-8')
      case_ref:
        -orig-id: CaseRef
        value: case_ref_raw.content.to_s('UTF-8')
  process_table:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Process Table (0x0051). All processes of the machine.
    doc-ref: Memory Slice draft-2026-10, §6
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
        type: process_entry
        repeat: expr
        repeat-expr: entry_count
        doc: One entry for each process.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  process_entry:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Process Entry.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: pid
        -orig-id: PID
        type: u4
        doc: Process ID.
      - id: ppid
        -orig-id: PPID
        type: u4
        doc: Process ID of the parent.
      - id: uid
        -orig-id: UID
        type: u4
        doc: User that it runs as.
      - id: is_target
        -orig-id: IsTarget
        type: u1
        doc: Whether it is the process that was dumped.
      - id: reserved
        -orig-id: Reserved
        size: 3
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: start_time
        -orig-id: StartTime
        type: u8
        doc: |
          When it was started. Nanoseconds since the Unix epoch, UTC; zero where
          unknown (§1.3).
      - id: rss
        -orig-id: RSS
        type: u8
        doc: Resident memory in bytes.
      - id: exe_len
        -orig-id: ExeLen
        type: u2
        doc: Length of Exe with its NUL.
      - id: cmd_len
        -orig-id: CmdLen
        type: u2
        doc: Length of Cmd with its NUL.
      - id: user_len
        -orig-id: UserLen
        type: u2
        doc: Length of User with its NUL.
      - id: reserved2
        -orig-id: Reserved2
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: exe_raw
        -orig-id: Exe
        size: (exe_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: Its executable.
      - id: cmd_raw
        -orig-id: Cmd
        size: (cmd_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: Its command line.
      - id: user_raw
        -orig-id: User
        size: (user_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The user's name.
    instances:
      exe:
        -orig-id: Exe
        value: exe_raw.content.to_s('UTF-8')
      cmd:
        -orig-id: Cmd
        value: cmd_raw.content.to_s('UTF-8')
      user:
        -orig-id: User
        value: user_raw.content.to_s('UTF-8')
  connection_table:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Connection Table (0x0052). All connections of the machine.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: entry_count
        -orig-id: EntryCount
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 48).as<u4>
        doc: Number of entries.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: entries
        -orig-id: Entries
        type: connection_entry
        repeat: expr
        repeat-expr: entry_count
        doc: One entry for each connection.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  connection_entry:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Connection Entry.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: pid
        -orig-id: PID
        type: u4
        doc: Process that holds it.
      - id: family_code
        -orig-id: Family
        type: u1
        doc: Family of the addresses.
      - id: protocol_code
        -orig-id: Protocol
        type: u1
        doc: TCP or UDP.
      - id: state
        -orig-id: State
        type: u1
        doc: |
          Linux TCP state number; 0: none.
      - id: reserved
        -orig-id: Reserved
        size: 1
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: local_addr
        -orig-id: LocalAddr
        size: 16
        doc: Local address, zeros behind IPv4.
      - id: local_port
        -orig-id: LocalPort
        type: u2
        doc: Local port.
      - id: reserved2
        -orig-id: Reserved2
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: remote_addr
        -orig-id: RemoteAddr
        size: 16
        doc: Remote address, zeros behind IPv4.
      - id: remote_port
        -orig-id: RemotePort
        type: u2
        doc: Remote port.
      - id: reserved3
        -orig-id: Reserved3
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
    instances:
      family:
        value: family_code
        enum: address_family
      protocol:
        value: protocol_code
        enum: transport_protocol
  handle_table:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Handle Table (0x0053). Open files and handles of the machine's processes.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: entry_count
        -orig-id: EntryCount
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 16).as<u4>
        doc: Number of entries.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: entries
        -orig-id: Entries
        type: handle_entry
        repeat: expr
        repeat-expr: entry_count
        doc: One entry for each handle.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  handle_entry:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Handle Entry.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: pid
        -orig-id: PID
        type: u4
        doc: Process that holds it.
      - id: fd
        -orig-id: FD
        type: u4
        doc: Number of the descriptor or handle.
      - id: handle_type
        -orig-id: HandleType
        type: u2
        doc: |
          What it is; 0: unknown.
      - id: path_len
        -orig-id: PathLen
        type: u2
        doc: Length of Path with its NUL.
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
        doc: What it leads to.
    instances:
      path:
        -orig-id: Path
        value: path_raw.content.to_s('UTF-8')
  connectivity_table:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Connectivity Table (0x0054). Routes, neighbours, packet sockets and
      counters of the machine.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: row_count
        -orig-id: RowCount
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 3).as<u4>
        doc: Number of rows.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: rows
        -orig-id: Rows
        type: connectivity_row
        repeat: expr
        repeat-expr: row_count
        doc: The rows, packed.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  connectivity_row:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Connectivity Row.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: row_type_code
        -orig-id: RowType
        type: u1
        doc: What the row is about.
      - id: row_len
        -orig-id: RowLen
        type: u2
        doc: Bytes of Body.
      - id: body
        -orig-id: Body
        size: row_len
        type:
          switch-on: row_type_code
          cases:
            0x01: ipv4_route
            0x02: ipv6_route
            0x03: arp_entry
            0x04: packet_socket
            0x05: interface_counters
            0x06: socket_family
            0x07: mib_counter
            _: opaque_payload
        doc: |
          The row's fields.
          MUST (consumer): Skip an unknown RowType by RowLen.
    instances:
      row_type:
        value: row_type_code
        enum: row_type
  ipv4_route:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: IPv4 Route.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: iface_len
        -orig-id: IfaceLen
        type: u2
        doc: Length of Iface.
      - id: iface_raw
        -orig-id: Iface
        size: iface_len
        doc: Name of the interface.
      - id: dest
        -orig-id: Dest
        size: 4
        doc: Destination.
      - id: gateway
        -orig-id: Gateway
        size: 4
        doc: Next hop.
      - id: mask
        -orig-id: Mask
        size: 4
        doc: Netmask.
      - id: flags
        -orig-id: Flags
        type: u2
        doc: As the system says them.
      - id: metric
        -orig-id: Metric
        type: u4
        doc: Metric.
      - id: mtu
        -orig-id: MTU
        type: u4
        doc: Largest packet in bytes.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      iface:
        -orig-id: Iface
        value: iface_raw.to_s('UTF-8')
  ipv6_route:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: IPv6 Route.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: iface_len
        -orig-id: IfaceLen
        type: u2
        doc: Length of Iface.
      - id: iface_raw
        -orig-id: Iface
        size: iface_len
        doc: Name of the interface.
      - id: dest
        -orig-id: Dest
        size: 16
        doc: Destination.
      - id: prefix
        -orig-id: Prefix
        type: u1
        doc: Bits of the destination's prefix.
      - id: next_hop
        -orig-id: NextHop
        size: 16
        doc: Next hop.
      - id: metric
        -orig-id: Metric
        type: u4
        doc: Metric.
      - id: flags
        -orig-id: Flags
        type: u4
        doc: As the system says them.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      iface:
        -orig-id: Iface
        value: iface_raw.to_s('UTF-8')
  arp_entry:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: ARP Entry.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: family_code
        -orig-id: Family
        type: u1
        doc: Family of the address.
      - id: ip
        -orig-id: IP
        size: 4
        doc: Network address.
      - id: hw_type
        -orig-id: HwType
        type: u2
        doc: Kind of hardware.
      - id: flags
        -orig-id: Flags
        type: u2
        doc: As the system says them.
      - id: hw_addr
        -orig-id: HwAddr
        size: 6
        doc: Hardware address.
      - id: iface_len
        -orig-id: IfaceLen
        type: u2
        doc: Length of Iface.
      - id: iface_raw
        -orig-id: Iface
        size: iface_len
        doc: Name of the interface.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      family:
        value: family_code
        enum: address_family
      iface:
        -orig-id: Iface
        value: iface_raw.to_s('UTF-8')
  packet_socket:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Packet Socket.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: pid
        -orig-id: PID
        type: u4
        doc: Process that holds it.
      - id: inode
        -orig-id: Inode
        type: u8
        doc: Inode of the socket.
      - id: proto
        -orig-id: Proto
        type: u2
        doc: Protocol that it receives.
      - id: if_index
        -orig-id: IfIndex
        type: u4
        doc: |
          Number of the interface; 0: any.
      - id: user
        -orig-id: User
        type: u4
        doc: User that made it.
      - id: r_mem
        -orig-id: RMem
        type: u8
        doc: Bytes that wait to be received.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  interface_counters:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Interface Counters.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: iface_len
        -orig-id: IfaceLen
        type: u2
        doc: Length of Iface.
      - id: iface_raw
        -orig-id: Iface
        size: iface_len
        doc: Name of the interface.
      - id: rx_bytes
        -orig-id: RxBytes
        type: u8
        doc: Bytes received.
      - id: rx_packets
        -orig-id: RxPackets
        type: u8
        doc: Packets received.
      - id: rx_errs
        -orig-id: RxErrs
        type: u8
        doc: Errors while receiving.
      - id: rx_drop
        -orig-id: RxDrop
        type: u8
        doc: Received packets that were dropped.
      - id: tx_bytes
        -orig-id: TxBytes
        type: u8
        doc: Bytes sent.
      - id: tx_packets
        -orig-id: TxPackets
        type: u8
        doc: Packets sent.
      - id: tx_errs
        -orig-id: TxErrs
        type: u8
        doc: Errors while sending.
      - id: tx_drop
        -orig-id: TxDrop
        type: u8
        doc: Packets that were dropped instead of sent.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      iface:
        -orig-id: Iface
        value: iface_raw.to_s('UTF-8')
  socket_family:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Socket Family.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: family
        -orig-id: Family
        type: u1
        doc: Number of the family.
      - id: in_use
        -orig-id: InUse
        type: u4
        doc: Sockets in use.
      - id: alloc
        -orig-id: Alloc
        type: u4
        doc: Sockets allocated.
      - id: mem
        -orig-id: Mem
        type: u8
        doc: Memory that they occupy.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  mib_counter:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: MIB Counter.
    doc-ref: Memory Slice draft-2026-10, §6
    seq:
      - id: mib_len
        -orig-id: MibLen
        type: u2
        doc: Length of Mib.
      - id: mib_raw
        -orig-id: Mib
        size: mib_len
        doc: Group of the counter.
      - id: counter_len
        -orig-id: CounterLen
        type: u2
        doc: Length of Counter.
      - id: counter_raw
        -orig-id: Counter
        size: counter_len
        doc: Name of the counter.
      - id: value
        -orig-id: Value
        type: u8
        doc: What it counted.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      mib:
        -orig-id: Mib
        value: mib_raw.to_s('UTF-8')
      counter:
        -orig-id: Counter
        value: counter_raw.to_s('UTF-8')
  physical_memory_map:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Physical Memory Map (0x0059). What the machine's physical addresses belong
      to.
    doc-ref: Memory Slice draft-2026-10, §5.9
    seq:
      - id: count
        -orig-id: Count
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 20).as<u4>
        doc: Number of entries.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: entries
        -orig-id: Entries
        type: physical_range
        repeat: expr
        repeat-expr: count
        doc: The ranges, packed.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  physical_range:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Physical Range.
    doc-ref: Memory Slice draft-2026-10, §5.9
    seq:
      - id: start
        -orig-id: Start
        type: u8
        doc: First physical address.
      - id: end_addr
        -orig-id: End
        type: u8
        doc: Last physical address.
      - id: label_len
        -orig-id: LabelLen
        type: u2
        doc: Length of Label.
      - id: reserved
        -orig-id: Reserved
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: label_raw
        -orig-id: Label
        size: label_len
        doc: What is there.
    instances:
      label:
        -orig-id: Label
        value: label_raw.to_s('UTF-8')
  module_build_id_manifest:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Module Build-ID Manifest (0x005a). Which builds the modules are of.
    doc-ref: Memory Slice draft-2026-10, §5.10
    seq:
      - id: count
        -orig-id: Count
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 64).as<u4>
        doc: Number of entries.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: entries
        -orig-id: Entries
        type: build_id_entry
        repeat: expr
        repeat-expr: count
        doc: One entry for each module.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  build_id_entry:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Build-ID Entry.
    doc-ref: Memory Slice draft-2026-10, §5.10
    seq:
      - id: base_addr
        -orig-id: BaseAddr
        type: u8
        doc: Where the module is mapped.
      - id: build_id_len
        -orig-id: BuildIdLen
        type: u1
        doc: Bytes of BuildId that count.
      - id: build_id_source_code
        -orig-id: BuildIdSource
        type: u1
        doc: Where it was found.
      - id: flags
        -orig-id: Flags
        type: u1
        doc: What is odd.
      - id: reserved
        -orig-id: Reserved
        size: 1
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: build_id
        -orig-id: BuildId
        size: 20
        doc: The build ID.
      - id: disk_hash
        -orig-id: DiskHash
        size: 32
        doc: |
          Hash of the module's file; zeros: not available.
    instances:
      build_id_source:
        value: build_id_source_code
        enum: build_id_source
      is_deleted:
        -orig-id: Deleted
        value: flags & 0x1 != 0
      is_mem_fd:
        -orig-id: MemFd
        value: flags & 0x2 != 0
      is_anon_rwx:
        -orig-id: AnonRWX
        value: flags & 0x4 != 0
      is_unlinked:
        -orig-id: Unlinked
        value: flags & 0x8 != 0
  region_omission_manifest:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      Region Omission Manifest (0x005b). Which regions were left out on purpose.
    doc-ref: Memory Slice draft-2026-10, §5.11
    seq:
      - id: count
        -orig-id: Count
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 24).as<u4>
        doc: Number of entries.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: scope_len
        -orig-id: ScopeLen
        type: u2
        doc: Length of Scope.
      - id: patterns_len
        -orig-id: PatternsLen
        type: u2
        doc: Length of Patterns.
      - id: reserved2
        -orig-id: Reserved2
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: scope_raw
        -orig-id: Scope
        size: scope_len
        doc: What was asked for.
      - id: scope_padding
        size: (((scope_len.as<u4> + 7) / 8 * 8).as<s8> - scope_len.as<s8>).as<s8>
        doc: Zeros behind Scope.
      - id: patterns_raw
        -orig-id: Patterns
        size: patterns_len
        doc: What was excluded, a pattern a line.
      - id: patterns_padding
        size: (((patterns_len.as<u4> + 7) / 8 * 8).as<s8> - patterns_len.as<s8>).as<s8>
        doc: Zeros behind Patterns.
      - id: entries
        -orig-id: Entries
        type: omitted_region
        repeat: expr
        repeat-expr: count
        doc: One entry for each region.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      scope:
        -orig-id: Scope
        value: scope_raw.to_s('UTF-8')
      patterns:
        -orig-id: Patterns
        value: patterns_raw.to_s('UTF-8')
  omitted_region:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Omitted Region.
    doc-ref: Memory Slice draft-2026-10, §5.11
    seq:
      - id: base_addr
        -orig-id: BaseAddr
        type: u8
        doc: First address.
      - id: region_size
        -orig-id: Size
        type: u8
        doc: Bytes that it spans.
      - id: protection
        -orig-id: Protection
        type: u1
        doc: Access rights.
      - id: region_type_code
        -orig-id: RegionType
        type: u1
        doc: What backs it.
      - id: reason_code
        -orig-id: Reason
        type: u1
        doc: Why it was left out.
      - id: reserved
        -orig-id: Reserved
        size: 1
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: name_len
        -orig-id: NameLen
        type: u2
        doc: Length of Name.
      - id: reserved2
        -orig-id: Reserved2
        size: 2
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: name_raw
        -orig-id: Name
        size: name_len
        doc: The mapping's name or file.
      - id: name_padding
        size: (((name_len.as<u4> + 7) / 8 * 8).as<s8> - name_len.as<s8>).as<s8>
        doc: Zeros behind Name.
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
      reason:
        value: reason_code
        enum: omission_reason
      name:
        -orig-id: Name
        value: name_raw.to_s('UTF-8')
  end_of_extension:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: End-of-Extension (0x0ffe). Closes an extension segment.
    doc-ref: Memory Slice draft-2026-10, §4.6
    seq:
      - id: segment_hash
        -orig-id: SegmentHash
        size: 32
        doc: Hash of the segment's bytes before this block.
      - id: written_at
        -orig-id: WrittenAt
        type: u8
        doc: |
          When the segment was written. Nanoseconds since the Unix epoch, UTC;
          zero where unknown (§1.3).
      - id: block_count
        -orig-id: BlockCount
        type: u4
        doc: |
          Blocks of the segment, this one included.
          MUST (producer): Exact, never 0.
      - id: reserved
        -orig-id: Reserved
        size: 4
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: producer_len
        -orig-id: ProducerLen
        type: u2
        doc: Length of Producer with its NUL.
      - id: reserved2
        -orig-id: Reserved2
        size: 6
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: producer_raw
        -orig-id: Producer
        size: (producer_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: Who wrote the segment.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
    instances:
      producer:
        -orig-id: Producer
        value: producer_raw.content.to_s('UTF-8')
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
    doc-ref: Memory Slice draft-2026-10, §4.5
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
      - id: block_count
        -orig-id: BlockCount
        type: u4
        if: _io.size.as<s8> >= 48.as<s8>
        doc: |
          Blocks of the capture segment, End-of-Capture included; 0: unknown.
          SHOULD (producer): Write it.
          MUST (producer): Agree with the blocks unless 0.
          Since draft-2026-10.
          The structure may end before this field.
      - id: reserved
        -orig-id: Reserved
        size: 4
        if: _io.size.as<s8> >= 48.as<s8>
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
          Since draft-2026-10.
          The structure may end before this field.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  vas_map:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: |
      VAS Map (0x1001). The layout of the target's address space; the last one
      in the file counts.
    doc-ref: Memory Slice draft-2026-10, §5.8
    seq:
      - id: count
        -orig-id: Count
        type: u4
        valid:
          max: ((_io.size.as<s8> - _io.pos.as<s8>).as<s8> / 24).as<u4>
        doc: Number of entries.
      - id: entry_size
        -orig-id: EntrySize
        type: u4
        doc: |
          Size of every entry; 0: as long as its path.
      - id: entries
        -orig-id: Entries
        type: vas_map_entry
        repeat: expr
        repeat-expr: count
        doc: |
          The mappings.
          MUST NOT (consumer): Derive page states from them.
      - id: rest
        size-eos: true
        doc: Bytes behind the last field.
  vas_map_entry:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: VAS Map Entry.
    doc-ref: Memory Slice draft-2026-10, §5.8
    seq:
      - id: base_addr
        -orig-id: BaseAddr
        type: u8
        doc: First address of the mapping.
      - id: region_size
        -orig-id: RegionSize
        type: u8
        doc: Bytes that it spans.
      - id: protection
        -orig-id: Protection
        type: u1
        doc: Access rights.
      - id: region_type_code
        -orig-id: RegionType
        type: u1
        doc: What backs it.
      - id: path_len
        -orig-id: PathLen
        type: u2
        doc: Length of MappedPath with its NUL.
      - id: name_source_code
        -orig-id: NameSource
        type: u1
        doc: Origin of it.
      - id: reserved
        -orig-id: Reserved
        size: 3
        doc: |
          For later versions.
          MUST (producer): Write zero; consumers ignore the bytes (§1.3).
      - id: mapped_path_raw
        -orig-id: MappedPath
        size: (path_len.as<u4> + 7) / 8 * 8
        type: padded_text
        doc: The mapping's name or file.
      - id: rest
        size: '(_parent.entry_size == 0 ? 0.as<s8> : (_parent.entry_size.as<s8> - (24 + (path_len.as<u4> + 7) / 8 * 8).as<s8>).as<s8>).as<s8>'
        doc: |
          Bytes behind the last field, where the table says how long an entry
          is.
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
      name_source:
        value: name_source_code
        enum: name_source
      mapped_path:
        -orig-id: MappedPath
        value: mapped_path_raw.content.to_s('UTF-8')
  compressed_payload:
    meta:
      endian:
        switch-on: _root.endianness
        cases:
          'endianness_value::little': le
          'endianness_value::big': be
    doc: Compressed Payload.
    doc-ref: Memory Slice draft-2026-10, §4.2.1
    seq:
      - id: uncompressed_size
        -orig-id: UncompressedSize
        type: u8
        doc: |
          Size of the payload once inflated, fixed fields included.
          MUST (producer): The stream inflates to exactly this many bytes.
      - id: stream
        -orig-id: Stream
        size-eos: true
        doc: |
          One zstd frame, or a little-endian u32 size and one LZ4 block.
          MUST NOT (producer): Pad the stream.
          MUST (consumer): Tolerate up to 7 zero bytes behind the stream.
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
  address_family:
    0x02:
      id: ipv4
      -orig-id: IPv4
    0x0a:
      id: ipv6
      -orig-id: IPv6
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
      doc: The registers of one thread.
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
    0x0050:
      id: system_context
      doc: The machine and the case.
      -orig-id: System Context
    0x0051:
      id: process_table
      doc: All processes of the machine.
      -orig-id: Process Table
    0x0052:
      id: connection_table
      doc: All connections of the machine.
      -orig-id: Connection Table
    0x0053:
      id: handle_table
      doc: Open files and handles of the machine's processes.
      -orig-id: Handle Table
    0x0054:
      id: connectivity_table
      doc: Routes, neighbours, packet sockets and counters of the machine.
      -orig-id: Connectivity Table
    0x0059:
      id: physical_memory_map
      doc: What the machine's physical addresses belong to.
      -orig-id: Physical Memory Map
    0x005a:
      id: module_build_id_manifest
      doc: Which builds the modules are of.
      -orig-id: Module Build-ID Manifest
    0x005b:
      id: region_omission_manifest
      doc: Which regions were left out on purpose.
      -orig-id: Region Omission Manifest
    0x0ffe:
      id: end_of_extension
      doc: Closes an extension segment.
      -orig-id: End-of-Extension
    0x0fff:
      id: end_of_capture
      doc: The acquirer finished; without it the dump is possibly incomplete.
      -orig-id: End-of-Capture
    0x1001:
      id: vas_map
      doc: |
        The layout of the target's address space; the last one in the file
        counts.
      -orig-id: VAS Map
    0x1003:
      id: pointer_graph
      doc: Which regions point into which.
      -orig-id: Pointer Graph
  build_id_source:
    0x00:
      id: none
      -orig-id: None
    0x01:
      id: bridge
      -orig-id: Bridge
    0x02:
      id: map_files
      -orig-id: MapFiles
    0x03:
      id: on_disk
      -orig-id: OnDisk
    0x04:
      id: captured_region
      -orig-id: CapturedRegion
    0x05:
      id: retroactive
      -orig-id: Retroactive
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
  enc_algo:
    0x01:
      id: aes_256_gcm
      -orig-id: AES-256-GCM
    0x02:
      id: xchacha20_poly1305
      -orig-id: XChaCha20-Poly1305
  endianness_value:
    0x01:
      id: little
      -orig-id: Little
    0x02:
      id: big
      -orig-id: Big
  hash_algo:
    0x00:
      id: blake3
      -orig-id: BLAKE3
    0x01:
      id: sha_256
      -orig-id: SHA-256
    0x02:
      id: sha_512_256
      -orig-id: SHA-512/256
    0xff:
      id: other
      -orig-id: Other
  kdf_type:
    0x00:
      id: none
      -orig-id: None
    0x01:
      id: argon2id
      -orig-id: Argon2id
  key_encap:
    0x00:
      id: none
      -orig-id: None
    0x01:
      id: x25519
      -orig-id: X25519
    0x02:
      id: ml_kem_768
      -orig-id: ML-KEM-768
    0x03:
      id: ml_kem_1024
      -orig-id: ML-KEM-1024
    0x04:
      id: x25519_ml_kem_768
      -orig-id: X25519+ML-KEM-768
    0xff:
      id: other
      -orig-id: Other
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
    0x000c:
      id: ml_kem_private_key
      -orig-id: ML-KEM Private Key
    0xffff:
      id: other
      -orig-id: Other
  name_source:
    0x00:
      id: unspecified
      -orig-id: Unspecified
    0x01:
      id: live
      -orig-id: Live
    0x02:
      id: source_metadata
      -orig-id: SourceMetadata
    0x03:
      id: synthesized
      -orig-id: Synthesized
  omission_reason:
    0x01:
      id: module_exclude
      -orig-id: ModuleExclude
    0x02:
      id: scope
      -orig-id: Scope
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
      id: not_resident
      doc: |
        Mapped, never touched: zero content, no bytes in PageData.
      -orig-id: NotResident
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
  row_type:
    0x01:
      id: ipv4_route
      -orig-id: IPv4 route
    0x02:
      id: ipv6_route
      -orig-id: IPv6 route
    0x03:
      id: arp
      -orig-id: ARP
    0x04:
      id: packet_socket
      -orig-id: packet socket
    0x05:
      id: interface_counters
      -orig-id: interface counters
    0x06:
      id: socket_family
      -orig-id: socket family
    0x07:
      id: mib_counter
      -orig-id: MIB counter
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
  thread_state:
    0x00:
      id: unknown_thread_state
      -orig-id: Unknown
    0x01:
      id: running
      -orig-id: Running
    0x02:
      id: sleeping
      -orig-id: Sleeping
    0x03:
      id: stopped
      -orig-id: Stopped
    0x04:
      id: waiting
      -orig-id: Waiting
    0x05:
      id: uninterruptible
      -orig-id: Uninterruptible
    0x06:
      id: halted
      -orig-id: Halted
    0x07:
      id: zombie
      -orig-id: Zombie
  transport_protocol:
    0x06:
      id: tcp
      -orig-id: TCP
    0x11:
      id: udp
      -orig-id: UDP
