// Print what the generated Java parser finds, one JSON document a file and line.
//
// Usage: java Driver PLAN.json LIST; LIST names the files, one a line, and each is answered as soon
// as it is named: LIST may be a pipe. The generated Msl.java, the Kaitai runtime and Gson are on the
// class path. What there is to print, the plan says: see ../plan.py.

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.UUID;

public class Driver {
    private static final HexFormat HEX = HexFormat.of();
    private static final long UNKNOWN = -1;
    private final JsonObject plan;
    private boolean little;

    Driver(JsonObject plan) {
        this.plan = plan;
    }

    public static void main(String[] arguments) throws Exception {
        String plan = Files.readString(Path.of(arguments[0]));
        Driver driver = new Driver(new Gson().fromJson(plan, JsonObject.class));
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, "UTF-8");
        BufferedReader list = Files.newBufferedReader(Path.of(arguments[1]));
        for (String path; (path = list.readLine()) != null; ) {
            JsonObject shown = new JsonObject();
            shown.addProperty("file", path);
            try {
                driver.document(path, shown);
            } catch (Throwable error) { // whatever a damaged file makes the parser do
                shown.addProperty("error", error.toString());
            }
            out.println(shown);
            out.flush();
        }
    }

    private void document(String path, JsonObject shown) throws Throwable {
        Msl parser = Msl.fromFile(path);
        try {
            JsonObject header = structure("root", parser, UNKNOWN);
            little = header.get("endianness").getAsString().equals("little");
            structure("file_header", parser.fileHeader(), UNKNOWN)
                    .entrySet().forEach(entry -> header.add(entry.getKey(), entry.getValue()));
            JsonArray blocks = new JsonArray();
            long offset = parser.headerSize();
            List<Msl.Block> found = parser.blocks() == null ? List.of() : parser.blocks();
            for (Msl.Block block : found) {
                long end = offset + block.blockLength();
                JsonObject one = new JsonObject();
                one.addProperty("offset", address(offset, 1));
                structure("block", block, UNKNOWN)
                        .entrySet().forEach(entry -> one.add(entry.getKey(), entry.getValue()));
                JsonElement kind = plan.getAsJsonObject("payloads").get("" + block.payloadKind());
                try {
                    one.add("payload", structure(orOther(kind), block.payload(), end));
                } catch (Throwable error) { // it does not hold what its layout says
                    one.addProperty("error", error.toString());
                    one.add("payload", structure(orOther(null), block.stored(), end));
                }
                blocks.add(one);
                offset = end;
            }
            byte[] behind = parser.trailingData();
            JsonElement trailing = JsonNull.INSTANCE;
            if (behind.length > 0) {
                trailing = extent(behind, offset + behind.length);
            }
            shown.add("header", header);
            shown.add("blocks", blocks);
            shown.add("trailing", trailing);
        } finally {
            parser._io().close();
        }
    }

    private String orOther(JsonElement structure) {
        return (structure == null ? plan.get("other_payloads") : structure).getAsString();
    }

    /** What the generated class calls a field: page_size_log2 -> pageSizeLog2(). */
    private static Object get(Object found, String id) throws Throwable {
        String name = "";
        for (String word : id.split("_")) {
            String capital = word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
            name += name.isEmpty() ? word : capital;
        }
        try {
            return found.getClass().getMethod(name).invoke(found);
        } catch (InvocationTargetException error) {
            throw error.getCause();
        }
    }

    private static long number(Object found, String id) throws Throwable {
        return ((Number) get(found, id)).longValue();
    }

    /** The fields of one structure; `end` is the file offset behind it, where it is known. */
    private JsonObject structure(String name, Object found, long end) throws Throwable {
        JsonObject shown = new JsonObject();
        for (JsonElement element : plan.getAsJsonObject("structures").getAsJsonArray(name)) {
            JsonObject field = element.getAsJsonObject();
            Object value = get(found, string(field, "id"));
            boolean coded = string(field, "shown").equals("code"); // null: a value without a name
            if (value == null && !coded && field.has("optional")) {
                continue;
            }
            if (field.has("hidden") && ((byte[]) value).length == 0) {
                continue;
            }
            shown.add(string(field, "key"), show(found, field, value, end));
        }
        return shown;
    }

    private static String string(JsonObject field, String key) {
        return field.get(key).getAsString();
    }

    private JsonElement show(Object found, JsonObject field, Object value, long end)
            throws Throwable {
        String shown = string(field, "shown");
        switch (shown) {
            case "number":
                return new JsonPrimitive(unsigned(value));
            case "hex":
                return text(address(((Number) value).longValue(), field.get("digits").getAsInt()));
            case "time":
                return text(unsigned(value).toString());
            case "magic":
                return text(new String((byte[]) value, StandardCharsets.ISO_8859_1));
            case "bytes":
                return text(HEX.formatHex((byte[]) value));
            case "uuid":
                ByteBuffer bytes = ByteBuffer.wrap((byte[]) value);
                return text(new UUID(bytes.getLong(), bytes.getLong()).toString());
            case "code":
                return text(code(found, field, value));
            case "flags":
                return flags(found, field, ((Number) value).longValue());
            case "text":
                return stored(found, field, (String) value);
            case "blob":
                return padded("bytes", "", (byte[]) value, found, field);
            case "register":
                return padded("value", "0x", (byte[]) value, found, field);
            case "runs":
                return runs(found, field, (List<?>) value);
            case "data":
                return extent((byte[]) value, end);
            case "raw":
                byte[] raw = (byte[]) value;
                boolean few = raw.length <= plan.get("raw_limit").getAsInt();
                return few ? text(HEX.formatHex(raw)) : extent(raw, end);
            case "table":
                JsonArray entries = new JsonArray();
                for (Object entry : (List<?>) value) {
                    entries.add(structure(string(field, "structure"), entry, UNKNOWN));
                }
                return entries;
            case "structure":
                return structure(string(field, "structure"), value, UNKNOWN);
            case "choice":
                String tag = "" + get(found, string(field, "tag"));
                JsonElement kind = field.getAsJsonObject("cases").get(tag);
                String chosen = kind == null ? string(field, "otherwise") : kind.getAsString();
                return structure(chosen, value, UNKNOWN);
            default:
                throw new IllegalArgumentException(shown + " is unknown to this driver");
        }
    }

    private static JsonPrimitive text(String value) {
        return new JsonPrimitive(value);
    }

    /** Java has no unsigned types: a u8 is a long whose sign bit counts 2^63. */
    private static BigInteger unsigned(Object value) {
        return new BigInteger(Long.toUnsignedString(((Number) value).longValue()));
    }

    private static String address(long value, int digits) {
        String hex = Long.toHexString(value);
        return "0x" + "0".repeat(Math.max(0, digits - hex.length())) + hex;
    }

    /** The name of an enumeration's member; a value that has none is null, its number is kept. */
    private static String code(Object found, JsonObject field, Object member) throws Throwable {
        if (member == null) {
            return address(number(found, string(field, "code")), field.get("digits").getAsInt());
        }
        return name(field.getAsJsonObject("names"), member);
    }

    private static String name(JsonObject names, Object member) throws Throwable {
        return string(names, "" + get(member, "id"));
    }

    /** Names of the set bits: known ones by their booleans, the others by their number. */
    private static JsonArray flags(Object found, JsonObject field, long word) throws Throwable {
        TreeMap<Integer, String> names = new TreeMap<>();
        long known = 0;
        for (JsonElement element : field.getAsJsonArray("bits")) {
            JsonArray bit = element.getAsJsonArray();
            known |= 1L << bit.get(0).getAsInt();
            if ((Boolean) get(found, bit.get(2).getAsString())) {
                names.put(bit.get(0).getAsInt(), bit.get(1).getAsString());
            }
        }
        for (JsonElement element : field.getAsJsonArray("numbers")) {
            JsonObject number = element.getAsJsonObject();
            int bit = number.get("bit").getAsInt();
            known |= (1L << number.get("bits").getAsInt()) - 1 << bit;
            Object member = get(found, string(number, "id"));
            if (((Number) get(member, "id")).longValue() != 0) {
                names.put(bit, name(number.getAsJsonObject("names"), member));
            }
        }
        for (int bit = 0; bit < field.get("width").getAsInt(); bit++) {
            if ((known >> bit & 1) == 0 && (word >> bit & 1) == 1) {
                names.put(bit, "bit_" + bit);
            }
        }
        JsonArray shown = new JsonArray();
        names.values().forEach(shown::add);
        return shown;
    }

    /** The text, and the stored bytes beside it where they don't follow from it. */
    private static JsonElement stored(Object found, JsonObject field, String decoded)
            throws Throwable {
        long length = number(found, string(field, "length"));
        if (length == 0) {
            return JsonNull.INSTANCE;
        }
        Object raw = get(found, string(field, "raw"));
        boolean terminated = field.get("terminated").getAsBoolean();
        byte[] stored = (byte[]) (terminated ? get(raw, "stored") : raw);
        if (field.has("padding")) {
            stored = joined(stored, (byte[]) get(found, string(field, "padding")));
        }
        byte[] encoded = (decoded + (terminated ? "\0" : "")).getBytes(StandardCharsets.UTF_8);
        byte[] padded = Arrays.copyOf(encoded, stored.length);
        if (encoded.length == length && Arrays.equals(padded, stored)) {
            return text(decoded);
        }
        return pair("text", decoded, "raw", HEX.formatHex(stored));
    }

    private static byte[] joined(byte[] front, byte[] behind) {
        byte[] both = Arrays.copyOf(front, front.length + behind.length);
        System.arraycopy(behind, 0, both, front.length, behind.length);
        return both;
    }

    private static boolean isZero(byte[] bytes) {
        return Arrays.equals(bytes, new byte[bytes.length]);
    }

    private static JsonObject pair(String key, String value, String otherKey, String other) {
        JsonObject shown = new JsonObject();
        shown.addProperty(key, value);
        shown.addProperty(otherKey, other);
        return shown;
    }

    /** Bytes; with the padding behind them where that isn't zero. */
    private JsonElement padded(
            String key, String prefix, byte[] value, Object found, JsonObject field)
            throws Throwable {
        byte[] ordered = value.clone();
        if (little && string(field, "shown").equals("register")) {
            for (int i = 0; i < value.length; i++) {
                ordered[i] = value[value.length - 1 - i];
            }
        }
        byte[] padding = (byte[]) get(found, string(field, "padding"));
        padding = padding == null ? new byte[0] : padding; // null where there is nothing left
        String shown = prefix + HEX.formatHex(ordered);
        if (isZero(padding)) {
            return text(shown);
        }
        return pair(key, shown, "raw", HEX.formatHex(joined(value, padding)));
    }

    /** Page states as [first page, pages, state], and the map's padding where it isn't zero. */
    private static JsonElement runs(Object found, JsonObject field, List<?> states)
            throws Throwable {
        JsonArray runs = new JsonArray();
        for (int first = 0, next = 0; first < states.size(); first = next) {
            while (next < states.size() && states.get(next) == states.get(first)) {
                next++;
            }
            JsonArray run = new JsonArray();
            run.add(first);
            run.add(next - first);
            run.add(name(field.getAsJsonObject("names"), states.get(first)));
            runs.add(run);
        }
        byte[] map = (byte[]) get(found, string(field, "raw"));
        byte[] padding = Arrays.copyOfRange(map, states.size() / 4, map.length);
        byte[] unused = padding.clone();
        if (unused.length > 0) {
            unused[0] &= (byte) (0xFF >> 2 * (states.size() % 4));
        }
        if (isZero(unused)) {
            return runs;
        }
        JsonObject shown = new JsonObject();
        shown.add("runs", runs);
        shown.addProperty("padding", HEX.formatHex(padding));
        return shown;
    }

    /** Bytes with their place in the file, where that is known. */
    private static JsonObject extent(byte[] data, long end) {
        JsonObject shown = new JsonObject();
        if (end != UNKNOWN) {
            shown.addProperty("offset", address(end - data.length, 1));
        }
        shown.addProperty("length", data.length);
        shown.addProperty("data", Base64.getEncoder().encodeToString(data));
        return shown;
    }
}
