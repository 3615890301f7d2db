// A Go program as people write them, with no word of a proxy: node/run.mjs runs it through `sockeye run`.
//
//	run URL     says hello, hears it, closes; ends with 0 where all was as it should be
package main

import (
	"log"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

func main() {
	socket, _, err := websocket.DefaultDialer.Dial(os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	defer socket.Close()
	if err := socket.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	if _, answer, err := socket.ReadMessage(); err != nil || string(answer) != "hello" {
		log.Fatalf("%q, %v", answer, err)
	}
	last := websocket.FormatCloseMessage(4000, "done")
	if err := socket.WriteControl(websocket.CloseMessage, last, time.Now().Add(20*time.Second)); err != nil {
		log.Fatal(err)
	}
	if _, _, err := socket.ReadMessage(); !websocket.IsCloseError(err, 4000) {
		log.Fatal(err)
	}
}
