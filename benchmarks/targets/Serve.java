// Answers every line that a client sends with the same line, from a heap of args[1] MiB.
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

public class Serve {
    static byte[][] kept;

    public static void main(String[] args) throws Exception {
        kept = new byte[Integer.parseInt(args[1]) * 1024][];
        for (int index = 0; index < kept.length; index++) {
            kept[index] = new byte[1008];
            kept[index][7] = (byte) index;
        }
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(args[0]));
        System.out.println("ready");
        while (true) {
            SocketChannel client = server.accept();
            ByteBuffer buffer = ByteBuffer.allocate(4096);
            while (client.read(buffer) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    client.write(buffer);
                }
                buffer.clear();
            }
            client.close();
        }
    }
}
