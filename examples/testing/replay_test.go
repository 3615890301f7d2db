package chat

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// replay plays a recording's server to the test: url := replay(t, "testdata/chat.jsonl", "--ignore", "$.ts").
func replay(t *testing.T, recording string, options ...string) string {
	mock := exec.Command("sockeye", append([]string{"replay", "server", recording, "--output", "json", "--report", "tap=replay.tap"}, options...)...)
	mock.Stderr = os.Stderr
	out, _ := mock.StdoutPipe()
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	var ready struct{ URL string }
	if err := json.Unmarshal(lines.Bytes(), &ready); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for lines.Scan() {
			t.Log(lines.Text())
		}
		if err := mock.Wait(); err != nil {
			t.Error("not as recorded, see replay.tap: ", err)
		}
	})
	return ready.URL
}
