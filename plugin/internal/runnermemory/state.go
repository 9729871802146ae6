package runnermemory

import (
	"encoding/binary"
	"hash/crc32"

	"gateway-billing.internal/shared/billingkey"
)

// The file, big-endian but for the counter, which is as the processor writes it (it stays on its machine):
//
//	offset  bytes
//	0       8      "BRUNNER1"
//	8       14     epoch
//	22      14     previous epoch, zero when there was none
//	36      8      its last number
//	44      4      CRC-32 (IEEE) of the runner's name and of what stands before
//	48      8      the last number, changed while the process runs
const (
	magic     = "BRUNNER1"
	checked   = 44
	counterAt = 48
	size      = 56
)

// state is what a file says.
type state struct {
	epoch         billingkey.Epoch
	last          uint64
	previousEpoch billingkey.Epoch
	previousLast  uint64
}

func (s state) write(runner string) []byte {
	b := append(make([]byte, 0, size), magic...)
	b = append(b, s.epoch[:]...)
	b = append(b, s.previousEpoch[:]...)
	b = binary.BigEndian.AppendUint64(b, s.previousLast)
	b = binary.BigEndian.AppendUint32(b, sum(b, runner))
	return binary.NativeEndian.AppendUint64(b, s.last)
}

// maxLast is more than any run numbers. The counter changes too often for a checksum, so this is all that is known of it.
const maxLast = 1 << 53

// read is what a file says of that runner: nothing, and false, where it is not whole, or another's.
func read(b []byte, runner string) (s state, whole bool) {
	if len(b) != size || string(b[:len(magic)]) != magic ||
		binary.BigEndian.Uint32(b[checked:]) != sum(b[:checked], runner) {
		return state{}, false
	}
	s = state{
		epoch: billingkey.Epoch(b[8:22]), last: binary.NativeEndian.Uint64(b[counterAt:]),
		previousEpoch: billingkey.Epoch(b[22:36]), previousLast: binary.BigEndian.Uint64(b[36:]),
	}
	if s.last > maxLast {
		return state{}, false
	}
	return s, true
}

func sum(b []byte, runner string) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(runner)), crc32.IEEETable, b)
}
