"""Opening a mapped file and walking over its blocks, in C."""

from __future__ import annotations

__all__ = ["COMPRESSED", "ENCRYPTED", "NEVER_ENCRYPTED", "OPENING", "WALKING"]

OPENING = """\
/* A mapped file. */
typedef struct msl_file {
    msl_span bytes;
    const $file_header *header;
$encryption_member    /* Bytes of the header behind the fields that this draft describes. */
    msl_span extension;
    /* The file offset of Block 0. */
    size_t header_size;
    uint16_t version;
    enum $byte_order order;
    /* Whether the blocks are ciphertext. */
    int encrypted;
} msl_file;

/* Looks at the header of `size` mapped bytes. Nothing is copied: the bytes must stay. After an
 * error the file has no bytes and no blocks; its header and version are set as far as they were
 * found. */
static inline enum msl_status msl_open(const void *data, size_t size, msl_file *out)
{
    const $file_header *header;
    enum $byte_order order;
    msl_span front;
    msl_span part;

    memset(out, 0, sizeof *out);
    if (size < sizeof out->header->$magic
        || memcmp(data, $file_magic, sizeof out->header->$magic) != 0) {
        return MSL_ERROR_MAGIC;
    }
    if (size < sizeof($file_header)) {
        return MSL_ERROR_TRUNCATED;
    }
    header = MSL_VIEW($file_header, data);
    out->header = header;
    if ($byte_order_name(header->$endianness) == NULL) {
        return MSL_ERROR_ENDIANNESS;
    }
    order = MSL_CAST(enum $byte_order, header->$endianness);
    out->order = order;
    out->version = msl_get_u16(header->$version, order);
    if (out->version >> 8 != MSL_FORMAT_VERSION >> 8) {
        return MSL_ERROR_VERSION;
    }
    if (header->$header_size < sizeof *header || header->$header_size > size) {
        return MSL_ERROR_HEADER_SIZE;
    }
    out->bytes.data = MSL_VIEW(uint8_t, data);
    out->bytes.length = size;
    out->header_size = header->$header_size;
    front.data = out->bytes.data;
    front.length = out->header_size;
    (void)msl_span_take(&front, sizeof *header, &part);
$encryption    out->extension = front;
    return MSL_OK;
}
"""

ENCRYPTED = (
    """\
    /* How the blocks are encrypted; NULL where they are not, or where the header ends before it. */
    const $encryption_header *encryption;
""",
    """\
    if (out->version >= ${since}u
        && (msl_get_u32(header->$flags, order) & $encrypted) != 0) {
        out->encrypted = 1;
        if (msl_span_take(&front, sizeof *out->encryption, &part)) {
            out->encryption = MSL_VIEW($encryption_header, part.data);
        }
    }
""",
)
"""Member and statements of a draft that knows encrypted files."""

NEVER_ENCRYPTED = ("", "")

WALKING = """\
/* A block inside a file. */
typedef struct msl_block {
    const $block_header *header;
    msl_span payload;
    /* Where the block begins in the file. */
    size_t offset;
    uint32_t length;
    /* MSL_BLOCK_TYPE_*, or a type that is not registered. */
    uint16_t type;
    uint16_t flags;
    uint16_t payload_version;
    /* Version and byte order of the file. */
    uint16_t version;
    enum $byte_order order;
} msl_block;

/* The place of the next block. */
typedef struct msl_blocks {
    const msl_file *file;
    size_t offset;
} msl_blocks;

/* The blocks of a file, from Block 0 on. */
static inline msl_blocks msl_blocks_of(const msl_file *file)
{
    msl_blocks blocks;

    blocks.file = file;
    blocks.offset = file->header_size;
    return blocks;
}

/* The next block. MSL_END: the file ends behind the last one. Any error says why the bytes from
 * blocks->offset on are no block; asking again gives the same answer. Extension segments behind
 * the End-of-Capture are walked like any other block: their hashes are for the caller to check. */
static inline enum msl_status msl_next_block(msl_blocks *blocks, msl_block *out)
{
    const msl_file *file = blocks->file;
    size_t left = file->bytes.length - blocks->offset;
    const $block_header *header;

    memset(out, 0, sizeof *out);
    if (file->encrypted) {
        return MSL_ERROR_ENCRYPTED;
    }
    if (left == 0) {
        return MSL_END;
    }
    if (left < sizeof *header) {
        return MSL_ERROR_BLOCK_SHORT;
    }
    header = MSL_VIEW($block_header, file->bytes.data + blocks->offset);
    if (memcmp(header->$magic, $block_magic, sizeof header->$magic) != 0) {
        return MSL_ERROR_BLOCK_MAGIC;
    }
    out->length = msl_get_u32(header->$block_length, file->order);
    if (out->length < sizeof *header) {
        return MSL_ERROR_BLOCK_LENGTH;
    }
    if (out->length > left) {
        return MSL_ERROR_BLOCK_TRUNCATED;
    }
    out->header = header;
    out->payload.data = file->bytes.data + blocks->offset + sizeof *header;
    out->payload.length = out->length - sizeof *header;
    out->offset = blocks->offset;
    out->type = msl_get_u16(header->$block_type, file->order);
    out->flags = msl_get_u16(header->$block_flags, file->order);
    out->payload_version = msl_get_u16(header->$payload_version, file->order);
    out->version = file->version;
    out->order = file->order;
    blocks->offset += out->length;
    return MSL_OK;
}

/* Whether the payload has the layout of a type that is there since a format version. */
static inline enum msl_status msl_block_is(const msl_block *block, uint32_t type, uint32_t since)
{
    if (block->type != type) {
        return MSL_ERROR_BLOCK_TYPE;
    }
    if (block->version < since) {
        return MSL_ERROR_VERSION;
    }
    if (block->payload_version != MSL_PAYLOAD_VERSION) {
        return MSL_ERROR_PAYLOAD_VERSION;
    }
    return (block->flags & $compressed) != 0 ? MSL_ERROR_COMPRESSED : MSL_OK;
}
"""

COMPRESSED = """\
/* What a compressed payload consists of. What inflates from its stream is the whole payload of the
 * block, for msl_decode_*(). $comp_algo(block->flags) is the codec:
 * MSL_COMP_ALGO_*. */
static inline enum msl_status msl_read_$compressed_payload(
    const msl_block *block, msl_${compressed_payload}_view *out)
{
    memset(out, 0, sizeof *out);
    if (block->payload_version != MSL_PAYLOAD_VERSION) {
        return MSL_ERROR_PAYLOAD_VERSION;
    }
    if ((block->flags & $compressed) == 0) {
        return MSL_ERROR_NOT_COMPRESSED;
    }
    return msl_decode_$compressed_payload(block->payload, block->order, out);
}
"""
