package chat

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"testing"
)

// replay plays a recording's server to the test: replay(t, "chat.jsonl", "--ignore", "$.ts").URL
func replay(t *testing.T, recording string, options ...string) (ready struct{ URL string }) {
	mock := exec.Command("sockeye", append([]string{"replay", "server", recording, "--output", "json", "--end-with-stdin"}, options...)...)
	stdin, _ := mock.StdinPipe()
	out, _ := mock.StdoutPipe()
	lines := bufio.NewScanner(out)
	if err := mock.Start(); err != nil || !lines.Scan() || json.Unmarshal(lines.Bytes(), &ready) != nil {
		t.Fatal("sockeye replay did not start: ", err)
	}
	t.Cleanup(func() {
		stdin.Close()
		for lines.Scan() {
			t.Log(lines.Text())
		}
		if err := mock.Wait(); err != nil {
			t.Error("not as recorded: ", err)
		}
	})
	return ready
}
