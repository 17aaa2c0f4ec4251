"""The part of the header that is the same for every layout: bytes, numbers, text, bounds."""

from __future__ import annotations

__all__ = ["BASICS", "STATUS", "STATUSES"]

STATUSES = (
    ("OK", "All is there."),
    ("END", "Nothing more: the end is where it should be."),
    ("ERROR_TRUNCATED", "Something does not fit the bytes that are left for it."),
    ("ERROR_MAGIC", "The file does not begin as a Memory Slice does."),
    ("ERROR_ENDIANNESS", "The header names no byte order."),
    ("ERROR_HEADER_SIZE", "The header is shorter than its fields or longer than the file."),
    ("ERROR_VERSION", "The file is of a version without this layout."),
    ("ERROR_ENCRYPTED", "The blocks are ciphertext."),
    ("ERROR_BLOCK_SHORT", "Too few bytes are left for another block."),
    ("ERROR_BLOCK_MAGIC", "What follows the last block is no block."),
    ("ERROR_BLOCK_LENGTH", "A block claims to be shorter than its header."),
    ("ERROR_BLOCK_TRUNCATED", "The file ends inside of a block."),
    ("ERROR_BLOCK_TYPE", "The block is of another type."),
    ("ERROR_PAYLOAD_VERSION", "The payload has a layout that this header does not know."),
    ("ERROR_COMPRESSED", "The payload is compressed: inflate it, then decode it."),
    ("ERROR_NOT_COMPRESSED", "The payload is not compressed."),
    ("ERROR_PAGE_SIZE", "The page size is outside of what is permitted."),
    ("ERROR_PAGE_NUMBER", "The region has no such page."),
    ("ERROR_PAGE_STATE", "The page was not captured: it has no bytes in the file."),
    ("ERROR_WIDTH", "The number is too wide."),
)
"""What the functions of the header answer, in order, each with a sentence."""

STATUS = """\
/* Why something could not be had, as a sentence. */
static inline const char *msl_status_text(enum msl_status status)
{
    switch (status) {
$cases
    default: return "Unknown status.";
    }
}
"""

BASICS = """\
#ifdef __cplusplus
#define MSL_STATIC_ASSERT(condition, text) static_assert(condition, text)
#define MSL_ALIGNOF(type) alignof(type)
#define MSL_CAST(type, value) static_cast<type>(value)
#define MSL_VIEW(type, bytes) reinterpret_cast<const type *>(bytes)
#define MSL_SIZEOF_FIELD(type, field) sizeof(type::field)
#else
#define MSL_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#define MSL_ALIGNOF(type) _Alignof(type)
#define MSL_CAST(type, value) ((type)(value))
#define MSL_VIEW(type, bytes) ((const type *)(const void *)(bytes))
#define MSL_SIZEOF_FIELD(type, field) sizeof(((const type *)0)->field)
#endif

/* A structure is as long as the format says, and may lie at any address. */
#define MSL_STATIC_STRUCT(type, width) \\
    MSL_STATIC_ASSERT(sizeof(type) == (width) && MSL_ALIGNOF(type) == 1, #type)

/* A field stands where the format says, as wide as it says. */
#define MSL_STATIC_FIELD(type, field, offset, width) \\
    MSL_STATIC_ASSERT( \\
        offsetof(type, field) == (offset) && MSL_SIZEOF_FIELD(type, field) == (width), \\
        #type ": " #field)

/* Integers as they are stored: in file order and at any address. Made of bytes, so that structures
 * of them are packed and may lie anywhere, and so that none is used without msl_get_u..(). */
typedef struct msl_u16 {
    uint8_t bytes[2];
} msl_u16;
typedef struct msl_u32 {
    uint8_t bytes[4];
} msl_u32;
typedef struct msl_u64 {
    uint8_t bytes[8];
} msl_u64;

/* Bytes inside the file; they are never copied and live as long as the file is mapped. */
typedef struct msl_span {
    const uint8_t *data;
    size_t length;
} msl_span;

/* Text inside the file, UTF-8 as its producer left it; it is not ended by a NUL that you could
 * rely on. */
typedef struct msl_text {
    /* NULL where the text is absent. */
    const char *data;
    /* Bytes of the text itself, up to its first NUL if it has one. */
    size_t length;
    /* Everything that the length field counts. */
    msl_span stored;
} msl_text;

/* Rows that are not read yet. */
typedef struct msl_table {
    msl_span input;
    /* How many there are to come, as the count says; no row is behind the input for all that. */
    uint64_t left;
    /* Bytes of every row, or 0 where each says itself how long it is. */
    uint64_t row_size;
    enum $byte_order order;
} msl_table;

/* An unsigned integer of up to 8 bytes in file order, at any address. */
static inline uint64_t msl_load(const uint8_t *bytes, size_t width, enum $byte_order order)
{
    uint64_t value = 0;
    size_t index;

    for (index = 0; index < width; index++) {
        size_t place = order == $little ? index : width - 1 - index;
        value |= MSL_CAST(uint64_t, bytes[index]) << (8 * place);
    }
    return value;
}

static inline uint16_t msl_get_u16(msl_u16 stored, enum $byte_order order)
{
    return MSL_CAST(uint16_t, msl_load(stored.bytes, sizeof stored.bytes, order));
}

static inline uint32_t msl_get_u32(msl_u32 stored, enum $byte_order order)
{
    return MSL_CAST(uint32_t, msl_load(stored.bytes, sizeof stored.bytes, order));
}

static inline uint64_t msl_get_u64(msl_u64 stored, enum $byte_order order)
{
    return msl_load(stored.bytes, sizeof stored.bytes, order);
}

/* The number in a span, for example a register's; MSL_ERROR_WIDTH above 8 bytes. */
static inline enum msl_status msl_span_number(
    msl_span span, enum $byte_order order, uint64_t *out)
{
    *out = 0;
    if (span.length > sizeof *out) {
        return MSL_ERROR_WIDTH;
    }
    *out = msl_load(span.data, span.length, order);
    return MSL_OK;
}

/* A length rounded up to the next multiple of 8. Above the last multiple of 8 it is UINT64_MAX,
 * which nothing can hold. */
static inline uint64_t msl_pad8(uint64_t length)
{
    return length > UINT64_MAX - 7 ? UINT64_MAX : (length + 7) & ~MSL_CAST(uint64_t, 7);
}

/* Whether all bytes are zero: how a hash or a UUID says that it is not known. */
static inline int msl_all_zero(const uint8_t *bytes, size_t count)
{
    size_t index;

    for (index = 0; index < count; index++) {
        if (bytes[index] != 0) {
            return 0;
        }
    }
    return 1;
}

/* The first bytes of the input, which moves behind them; 0 where it is shorter. */
static inline int msl_span_take(msl_span *input, uint64_t count, msl_span *out)
{
    if (count > input->length) {
        return 0;
    }
    out->data = input->data;
    out->length = MSL_CAST(size_t, count);
    if (count != 0) {
        input->data += MSL_CAST(size_t, count);
        input->length -= MSL_CAST(size_t, count);
    }
    return 1;
}

/* All of the input, which is empty then. */
static inline msl_span msl_span_rest(msl_span *input)
{
    msl_span rest = *input;

    if (rest.length != 0) {
        input->data += rest.length;
        input->length = 0;
    }
    return rest;
}

/* Bytes, and padding to 8 behind them that is passed over. */
static inline int msl_take_bytes(msl_span *input, uint64_t length, int padded, msl_span *out)
{
    msl_span stored;

    if (!msl_span_take(input, padded ? msl_pad8(length) : length, &stored)) {
        return 0;
    }
    out->data = stored.data;
    out->length = MSL_CAST(size_t, length);
    return 1;
}

/* Text; `ended` where a NUL ends it and the length counts that too. */
static inline int msl_take_text(
    msl_span *input, uint64_t length, int padded, int ended, msl_text *out)
{
    const void *nul = NULL;

    if (!msl_take_bytes(input, length, padded, &out->stored)) {
        return 0;
    }
    if (length == 0) {
        out->stored.data = NULL;
        return 1;
    }
    out->data = MSL_VIEW(char, out->stored.data);
    out->length = out->stored.length;
    if (ended) {
        nul = memchr(out->data, 0, out->length);
    }
    if (nul != NULL) {
        out->length = MSL_CAST(size_t, MSL_CAST(const char *, nul) - out->data);
    }
    return 1;
}
"""
