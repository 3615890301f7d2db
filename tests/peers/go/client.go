// A Go client as people write them: gorilla's Dialer with a proxy and with roots to trust. It says the dialogue of
// go.mjs to a server that says everything back, and prints what it saw as JSON.
//
//	client URL [PROXY [ROOTS.pem]]     without roots: those of the platform, which SSL_CERT_FILE names
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

// What a run saw.
type outcome struct {
	Messages []string `json:"messages"` // the hash of each that came back
	Code     int      `json:"code"`
	Reason   string   `json:"reason"`
	Issuer   string   `json:"issuer,omitempty"` // who signed the certificate
	Version  string   `json:"version,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(words []string) error {
	dialer := websocket.Dialer{HandshakeTimeout: 20 * time.Second, EnableCompression: true}
	if len(words) > 1 && words[1] != "" {
		proxy, err := url.Parse(words[1])
		if err != nil {
			return err
		}
		dialer.Proxy = http.ProxyURL(proxy)
	}
	if len(words) > 2 {
		pem, err := os.ReadFile(words[2])
		if err != nil {
			return err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return errors.New("there is no certificate in " + words[2])
		}
		dialer.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	socket, _, err := dialer.Dial(words[0], nil)
	if err != nil {
		return err
	}
	defer socket.Close()
	seen, err := talk(socket)
	if err != nil {
		return err
	}
	if secure, ok := socket.UnderlyingConn().(*tls.Conn); ok {
		state := secure.ConnectionState()
		seen.Issuer = state.PeerCertificates[0].Issuer.CommonName
		seen.Version = map[uint16]string{tls.VersionTLS12: "TLS 1.2", tls.VersionTLS13: "TLS 1.3"}[state.Version]
	}
	return json.NewEncoder(os.Stdout).Encode(seen)
}

func talk(socket *websocket.Conn) (*outcome, error) {
	seen := &outcome{Messages: []string{}}
	says := [][]byte{[]byte("hello"), bytes.Repeat([]byte("x"), 100_000), bytes.Repeat([]byte{0, 1, 2, 255}, 20_000)}
	for at, data := range says {
		kind := websocket.TextMessage
		if at == 2 {
			kind = websocket.BinaryMessage
		}
		if err := socket.WriteMessage(kind, data); err != nil {
			return nil, err
		}
		_, answer, err := socket.ReadMessage()
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(answer, data) {
			return nil, fmt.Errorf("message %d came back as another", at)
		}
		hash := sha256.Sum256(answer)
		seen.Messages = append(seen.Messages, hex.EncodeToString(hash[:]))
	}
	last := websocket.FormatCloseMessage(4000, "done")
	if err := socket.WriteControl(websocket.CloseMessage, last, time.Now().Add(20*time.Second)); err != nil {
		return nil, err
	}
	_, _, err := socket.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) {
		return nil, fmt.Errorf("no close came back: %w", err)
	}
	seen.Code, seen.Reason = closed.Code, closed.Text
	return seen, nil
}
