package chat

import (
	"crypto/rand"
	"testing"

	"github.com/gorilla/websocket"
)

func TestChat(t *testing.T) {
	socket, _, err := websocket.DefaultDialer.Dial(replay(t, "chat.jsonl").URL+"/chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	id := make([]byte, 8)
	rand.Read(id)
	socket.WriteJSON(map[string]any{"id": id, "say": "hello"})
	var heard struct{ Heard string }
	if err := socket.ReadJSON(&heard); err != nil || heard.Heard != "hello" {
		t.Errorf("heard %q, %v", heard.Heard, err)
	}
	socket.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
	socket.ReadMessage()
}
