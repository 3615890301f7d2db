// A Java program as people write them, with no word of a proxy: node/run.mjs runs it through `sockeye run`.
//
//   java Run.java URL     says hello, hears it, closes; ends with 0 where all was as it should be

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

public class Run {
    public static void main(String[] words) throws Exception {
        var heard = new CompletableFuture<String>();
        var closed = new CompletableFuture<Integer>();
        var listener = new WebSocket.Listener() {
            public CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
                heard.complete(text.toString());
                return WebSocket.Listener.super.onText(socket, text, last);
            }

            public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
                closed.complete(code);
                return null;
            }

            public void onError(WebSocket socket, Throwable error) {
                heard.completeExceptionally(error);
                closed.completeExceptionally(error);
            }
        };
        var socket = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(words[0]), listener).join();
        socket.sendText("hello", true).join();
        boolean same = heard.get(30, TimeUnit.SECONDS).equals("hello");
        socket.sendClose(4000, "done").join();
        System.exit(same && closed.get(30, TimeUnit.SECONDS) == 4000 ? 0 : 1);
    }
}
