// Command follow-log follows a Clawtrail record with Go's own code for transparency logs: it checks
// the checkpoint's signature, every entry against the tiles, and that the record only grew since the last time.
//
//	follow-log URL KEY [STATE]
//
// URL is the server, KEY the verifier key, STATE a file in which the newest checkpoint is kept from one run to
// the next. CLAWTRAIL_TOKEN is the token of an auditor. Nothing of Clawtrail is used in here: the formats are
// those of golang.org/x/mod/sumdb (Debian: golang-golang-x-mod-dev) and c2sp.org/tlog-tiles.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// A server answers below URL/log.
type server struct{ url, token string }

func (s server) get(path string) ([]byte, error) {
	request, err := http.NewRequest("GET", s.url+"/log/"+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, response.Status, data)
	}
	return data, err
}

// path is where c2sp.org/tlog-tiles has a tile: the path of sumdb without the height.
func path(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
}

func (s server) Height() int { return height }

func (s server) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		data, err := s.get(path(tile))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

func (s server) SaveTiles([]tlog.Tile, [][]byte) {}

// open checks the signature of a checkpoint and returns the tree that it speaks of.
func open(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	// sumdb's own text has another first line, and is the same below it.
	return tlog.ParseTree([]byte("go.sum database tree\n" + strings.Join(lines[1:], "\n")))
}

// entries returns every entry of the tree, in order.
func (s server) entries(tree tlog.Tree) ([][]byte, error) {
	var all [][]byte
	for first := int64(0); first < tree.N; first += 1 << height {
		tile := tlog.Tile{H: height, L: 0, N: first >> height, W: 1 << height}
		if tree.N-first < 1<<height {
			tile.W = int(tree.N - first)
		}
		data, err := s.get(strings.Replace(path(tile), "tile/0/", "tile/entries/", 1))
		if err != nil {
			return nil, err
		}
		for len(data) > 0 {
			size := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+size])
			data = data[2+size:]
		}
	}
	if int64(len(all)) != tree.N {
		return nil, fmt.Errorf("%d entries in a record of %d", len(all), tree.N)
	}
	return all, nil
}

func follow(s server, verifier note.Verifier, state string) error {
	signed, err := s.get("checkpoint")
	if err != nil {
		return err
	}
	tree, err := open(signed, verifier)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, s)
	entries, err := s.entries(tree)
	if err != nil {
		return err
	}
	for number, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(number), hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(number), tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", number, err)
		}
	}
	fmt.Printf("%s: %d events, each in the signed tree\n", verifier.Name(), tree.N)
	if state == "" {
		return nil
	}
	if kept, err := os.ReadFile(state); err == nil {
		old, err := open(kept, verifier)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, old.N, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			return fmt.Errorf("the record does not begin with the one of %d events seen before: %w", old.N, err)
		}
		fmt.Printf("the %d events seen before are as they were\n", old.N)
	}
	return os.WriteFile(state, signed, 0o600)
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: follow-log URL KEY [STATE]")
		os.Exit(2)
	}
	verifier, err := note.NewVerifier(os.Args[2])
	if err == nil {
		err = follow(server{os.Args[1], os.Getenv("CLAWTRAIL_TOKEN")}, verifier, strings.Join(os.Args[3:], ""))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "follow-log:", err)
		os.Exit(1)
	}
}
