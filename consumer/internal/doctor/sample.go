package doctor

import (
	"fmt"
	"maps"
	"slices"

	"gateway-billing.internal/consumer/internal/inspect"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// Sample judges what became of sample messages: what the configuration promises, and what came of it.
func Sample(sums *inspect.Summary) []Finding {
	r := &report{}
	say := func(code string, n int, what string) {
		if n > 0 {
			r.add(code, "sample messages", fmt.Sprintf("%d of %d entries%s", n, sums.Entries, what))
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(sums.Rejects)) {
		say("sample_rejected", sums.Rejects[reason], ": "+reason)
	}
	say("sample_weak_key", sums.KeySources[record.KeyFromFingerprint], "")
	stamped := sums.KeyStates[billingkey.Verified] + sums.KeyStates[billingkey.Unsealed]
	records := 0
	for _, n := range sums.KeySources {
		records += n
	}
	say("sample_no_stamp", records-stamped, "")
	say("sample_no_usage", sums.UsageStates[record.UsageMissing]+sums.UsageStates[record.UsagePartial], "")
	say("sample_encoded", sums.Encoded, "")
	say("sample_anonymous", sums.Anonymous, "")
	return r.sorted()
}
