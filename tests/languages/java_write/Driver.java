// Read files with the generated read-write Java class and write them again.
//
// Usage: java Driver OUT LIST; LIST names the files, one a line; what was written of the first
// goes to OUT/0, of the second to OUT/1 ... and one line with a file's name and what went wrong,
// if anything did, to stdout. The generated Msl.java, the Kaitai runtime and Gson are on the
// class path.

import com.google.gson.JsonObject;
import io.kaitai.struct.ByteBufferKaitaiStream;
import io.kaitai.struct.KaitaiStruct;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

public class Driver {
    public static void main(String[] arguments) throws Exception {
        int index = 0;
        for (String path : Files.readAllLines(Path.of(arguments[1]))) {
            JsonObject shown = new JsonObject();
            shown.addProperty("file", path);
            try {
                byte[] written = rewritten(Files.readAllBytes(Path.of(path)));
                Files.write(Path.of(arguments[0], "" + index), written);
            } catch (Throwable error) { // whatever a damaged file makes the parser do
                shown.addProperty("error", error.toString());
            }
            System.out.println(shown);
            index++;
        }
    }

    private static byte[] rewritten(byte[] data) throws ReflectiveOperationException {
        Msl parser = new Msl(new ByteBufferKaitaiStream(data));
        parser._read();
        parser._fetchInstances();
        settle(parser);
        ByteBufferKaitaiStream out = new ByteBufferKaitaiStream(data.length);
        parser._write(out); // the size has to be known before
        return out.toByteArray();
    }

    /**
     * Turn off what only looks at bytes which belong to other fields, in a structure and all
     * inside of it, and have each checked.
     */
    private static void settle(KaitaiStruct.ReadWrite found) throws ReflectiveOperationException {
        for (Field field : found.getClass().getDeclaredFields()) {
            if (field.getName().startsWith("_")) { // _parent, _root
                continue;
            }
            field.setAccessible(true);
            Object value = field.get(found);
            for (Object inner : value instanceof List ? (List<?>) value : Arrays.asList(value)) {
                if (inner instanceof KaitaiStruct.ReadWrite) {
                    settle((KaitaiStruct.ReadWrite) inner);
                }
            }
        }
        if (found instanceof Msl.BlockLookahead) {
            ((Msl.BlockLookahead) found).setMagic_Enabled(false);
            ((Msl.BlockLookahead) found).setBlockLength_Enabled(false);
        } else if (found instanceof Msl.MemoryRegion) {
            ((Msl.MemoryRegion) found).setPageStates_Enabled(false);
        } else if (found instanceof Msl.PaddedText) {
            ((Msl.PaddedText) found).setContent_Enabled(false);
        }
        found._check();
    }
}
