package numbers

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"gateway-billing.internal/shared/billingkey"
)

// Verdict is what the book comes to.
type Verdict struct {
	// Epochs is how many runs of the runner are known, Given the stamps that requests got, Unstamped the requests without
	// one; Logged the requests and Arrived the stamps in entries that the broker took; Missing the numbers of none of them.
	Epochs, Given, Unstamped, Logged, Arrived, Missing int
	// Differences is empty where all is as it must be.
	Differences []string
}

// run is what `billing-consumer gaps` says of one run of a runner.
type run struct {
	Epoch    string // hexadecimal
	Verified bool
	Gaps     []span
}

type span struct{ First, Last uint64 }

// Judge holds the book against what `billing-consumer gaps` lists of all runs. failed is how many calls of the runner failed, or
// were overtaken by its restart: each may have cost a number that no request got, and nothing else may. The book must not be
// written any more.
func (b *Book) Judge(gaps []byte, failed int) (Verdict, error) {
	listed, err := readGaps(gaps)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Given: len(b.given), Unstamped: b.unstamped, Logged: len(b.logged), Arrived: len(b.arrived)}
	nobodys := 0 // numbers that were given to no request
	for epoch, last := range b.ends() {
		v.Epochs++
		want := b.missing(epoch, last)
		if got := listed[epoch]; !slices.Equal(got, want) {
			b.differ("epoch %s: gaps lists %v, and missing are %v", epoch, got, want)
		}
		delete(listed, epoch)
		for _, s := range want {
			v.Missing += int(s.Last - s.First + 1)
		}
		for n := range last {
			if _, ok := b.given[id{epoch, n + 1}]; !ok {
				nobodys++
			}
		}
	}
	for epoch, spans := range listed {
		b.differ("epoch %s: gaps lists %v of a run that nothing told of", epoch, spans)
	}
	if nobodys > failed {
		b.differ("%d numbers were given to no request, and only %d calls failed", nobodys, failed)
	}
	v.Differences = b.differences
	return v, nil
}

// ends is the last number of each epoch, as far as it can be known from what arrived.
func (b *Book) ends() map[billingkey.Epoch]uint64 {
	ends := maps.Clone(b.told)
	for n := range b.arrived {
		if told, ok := b.told[n.epoch]; ok && told < n.sequence {
			b.differ("epoch %s: its number %d arrived, and the next run says that %d was its last", n.epoch, n.sequence, told)
		}
		ends[n.epoch] = max(ends[n.epoch], n.sequence)
	}
	for n := range b.given {
		if told, ok := b.told[n.epoch]; ok && told < n.sequence {
			b.differ("epoch %s: its number %d was given, and the next run says that %d was its last", n.epoch, n.sequence, told)
		}
	}
	return ends
}

func (b *Book) missing(epoch billingkey.Epoch, last uint64) (spans []span) {
	for n := uint64(1); n <= last; n++ {
		if b.arrived[id{epoch, n}] {
			continue
		}
		if k := len(spans); k > 0 && spans[k-1].Last == n-1 {
			spans[k-1].Last = n
			continue
		}
		spans = append(spans, span{n, n})
	}
	return spans
}

// readGaps is what is listed of each run with sealed stamps.
func readGaps(lines []byte) (map[billingkey.Epoch][]span, error) {
	all := map[billingkey.Epoch][]span{}
	for decoder := json.NewDecoder(bytes.NewReader(lines)); ; {
		var r run
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("billing-consumer gaps: %w", err)
		}
		var epoch billingkey.Epoch
		if n, err := hex.Decode(epoch[:], []byte(r.Epoch)); err != nil || n != len(epoch) {
			return nil, fmt.Errorf("billing-consumer gaps: epoch %q", r.Epoch)
		}
		if r.Verified {
			all[epoch] = r.Gaps
		}
	}
}
