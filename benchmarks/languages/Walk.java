// A dump walked with the generated Java parser: java -cp ... Walk DUMP headers|full
import java.nio.file.Files;
import java.nio.file.Paths;
import msl.Msl;

public class Walk {
    public static void main(String[] arguments) throws Exception {
        boolean full = arguments[1].equals("full");
        long begin = System.nanoTime(), blocks = 0, pages = 0, size = 0, total = 0;
        Msl dump = Msl.fromFile(arguments[0]);
        for (Msl.Block block : dump.blocks()) {
            blocks += 1;
            size += block.blockLength();
            if (full && block.payload() instanceof Msl.MemoryRegion) {
                Msl.MemoryRegion region = (Msl.MemoryRegion) block.payload();
                for (Msl.PageState state : region.pageStates())
                    if (state == Msl.PageState.CAPTURED) pages += 1;
                byte[] data = region.pageData();
                for (long at = 0; at < data.length; at += region.pageSize())
                    total += data[(int) at] & 0xff;
            }
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        String status = new String(Files.readAllBytes(Paths.get("/proc/self/status")));
        String peak = status.replaceFirst("(?s).*VmHWM:\\s*(\\d+).*", "$1");
        System.out.println("[" + seconds + "," + peak + "," + blocks + "," + size + "," + pages + "," + total + "]");
    }
}
