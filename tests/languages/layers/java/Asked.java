// Print what the layer shows of the dumps, and reads at the addresses, that a file asks for.
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

public class Asked {
    public static void main(String[] arguments) throws Exception {
        MslDump dump = null;
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            String[] words = line.split(" ");
            if (words[0].equals("dump")) {
                dump = new MslDump(line.substring(5));
                System.out.println(line);
                for (MslDump.Region one : dump.regions)
                    System.out.printf("region %x %x %s%n", one.address(), one.size(), one.rights());
                for (MslDump.Module one : dump.modules)
                    System.out.printf("module %x %x %s%n", one.address(), one.size(), one.path());
                for (MslDump.Thread one : dump.threads)
                    one.registers().forEach((name, value) -> System.out.printf("register %x %s %s%n",
                        one.id(), name, value == null ? "-" : value.toString(16)));
                for (int index : dump.damaged.keySet()) System.out.println("damaged " + index);
                continue;
            }
            long address = Long.parseUnsignedLong(words[1], 16);
            for (MslDump.Run run : dump.read(address, Long.parseUnsignedLong(words[2], 16)))
                System.out.printf("run %x %x %s %s%n", run.address(), run.length(), run.state(),
                    run.data() == null ? "" : HexFormat.of().formatHex(run.data()));
        }
    }
}
