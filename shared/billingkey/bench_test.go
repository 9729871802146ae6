package billingkey

import "testing"

func benchmarkStamps() map[string]Stamp {
	return map[string]Stamp{"small": smallStamp(), "dimensions": fullStamp()}
}

func BenchmarkSeal(b *testing.B) {
	for name, st := range benchmarkStamps() {
		b.Run(name, func(b *testing.B) {
			sealer := mustSealer(b, mustParseKeys(b, "k1:"+testSecret(1)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sealer.Seal(st); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	keys := mustParseKeys(b, "k1:"+testSecret(1))
	for name, st := range benchmarkStamps() {
		b.Run(name, func(b *testing.B) { benchmarkOpen(b, keys, mustSeal(b, mustSealer(b, keys), st), Verified) })
	}
	forged := mustSeal(b, mustSealer(b, mustParseKeys(b, "k1:"+testSecret(2))), smallStamp())
	b.Run("forged", func(b *testing.B) { benchmarkOpen(b, keys, forged, Forged) })
}

func benchmarkOpen(b *testing.B, keys *KeySet, text string, want State) {
	b.ReportAllocs()
	for b.Loop() {
		if _, state := keys.Open(text); state != want {
			b.Fatal(state)
		}
	}
}
