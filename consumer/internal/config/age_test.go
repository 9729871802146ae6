package config_test

import (
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/config"
)

func TestAge(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "36h": 36 * time.Hour, "90m": 90 * time.Minute, "never": 0, "36500d": 36500 * 24 * time.Hour,
	} {
		var age config.Age
		if err := age.UnmarshalText([]byte(text)); err != nil || time.Duration(age) != want {
			t.Errorf("%s is %s: %v", text, time.Duration(age), err)
		}
		var again config.Age
		if err := again.Set(age.String()); err != nil || again != age {
			t.Errorf("%s is written as %s, which is %s: %v", text, age, again, err)
		}
	}
	for _, text := range []string{"", "30", "d", "-1d", "-1h", "1.5d", "36501d", "99999999999999999999d", "1w"} {
		var age config.Age
		if err := age.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %s", text, age)
		}
	}
}
