// SPDX-License-Identifier: Apache-2.0

// Command checklog judges a published log with golang.org/x/mod/sumdb/{note,tlog} alone:
//
//	checklog DIR VKEY [CHECKPOINT-FILE...]
//
// It opens DIR/checkpoint, reads tiles through tlog's own authenticating reader, proves and checks
// inclusion of every entry (beyond 2000: of a sample with all edges) from the bundles' bytes, and
// consistency with each older checkpoint given.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tiles struct{ dir string }

func (tiles) Height() int { return 8 }

func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range want {
		// Go's paths have the height in them, C2SP's do not.
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		data, err := os.ReadFile(filepath.Join(t.dir, path))
		if os.IsNotExist(err) {
			full := tile
			full.W = 256
			path = "tile/" + strings.TrimPrefix(full.Path(), "tile/8/")
			data, err = os.ReadFile(filepath.Join(t.dir, path))
		}
		if err != nil {
			return nil, err
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes", path, len(data))
		}
		all = append(all, data[:tile.W*tlog.HashSize])
	}
	return all, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

type checkpoint struct {
	tree   tlog.Tree
	origin string
}

func open(file string, verifier note.Verifier) checkpoint {
	data, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	n, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		log.Fatalf("%s: %v", file, err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		log.Fatalf("%s: %d lines", file, len(lines))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		log.Fatalf("%s: %v", file, err)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		log.Fatalf("%s: root: %v", file, err)
	}
	c := checkpoint{origin: lines[0]}
	c.tree.N = size
	copy(c.tree.Hash[:], root)
	return c
}

// bundle returns the entries of bundle n at a size.
func bundle(dir string, n, size int64) [][]byte {
	width := size - n*256
	if width > 256 {
		width = 256
	}
	tile := tlog.Tile{H: 8, L: -1, N: n, W: int(width)}
	path := filepath.Join(dir, "tile/entries", strings.TrimPrefix(tile.Path(), "tile/8/data/"))
	data, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			log.Fatalf("%s: truncated", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if int64(len(entries)) != width {
		log.Fatalf("%s: %d entries, not %d", path, len(entries), width)
	}
	return entries
}

func sampled(i, size int64) bool {
	return size <= 2000 || i%137 == 0 || i%256 == 0 || i%256 == 255 || i >= size-3 || i < 3
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: checklog DIR VKEY [CHECKPOINT-FILE...]")
	}
	dir := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	now := open(filepath.Join(dir, "checkpoint"), verifier)
	if now.origin != verifier.Name() {
		log.Fatalf("origin %s", now.origin)
	}
	reader := tlog.TileHashReader(now.tree, tiles{dir})
	size := now.tree.N
	records := 0
	for n := int64(0); n*256 < size; n++ {
		for k, entry := range bundle(dir, n, size) {
			i := n*256 + int64(k)
			if !sampled(i, size) {
				continue
			}
			proof, err := tlog.ProveRecord(size, i, reader)
			if err != nil {
				log.Fatalf("entry %d: %v", i, err)
			}
			if err := tlog.CheckRecord(proof, size, now.tree.Hash, i, tlog.RecordHash(entry)); err != nil {
				log.Fatalf("entry %d: %v", i, err)
			}
			records++
		}
	}
	older := 0
	for _, file := range os.Args[3:] {
		old := open(file, verifier)
		if old.tree.N == 0 { // nothing to prove: the root is a constant
			if old.tree.Hash != tlog.Hash(sha256.Sum256(nil)) {
				log.Fatalf("%s: root of the empty tree is %v", file, old.tree.Hash)
			}
			continue
		}
		proof, err := tlog.ProveTree(size, old.tree.N, reader)
		if err != nil {
			log.Fatalf("%s: %v", file, err)
		}
		if err := tlog.CheckTree(proof, size, now.tree.Hash, old.tree.N, old.tree.Hash); err != nil {
			log.Fatalf("%s: %v", file, err)
		}
		older++
	}
	fmt.Printf("size %d records %d older %d\n", size, records, older)
}
