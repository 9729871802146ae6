package fleet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
)

var address = regexp.MustCompile(`"address":"([^"]+)"`)

// Metrics adds up the counters of all members that run, by name and labels as they are written.
func (f *Fleet) Metrics(ctx context.Context) (map[string]float64, error) {
	f.mu.Lock()
	members := f.members
	f.mu.Unlock()
	sums := map[string]float64{}
	for _, m := range members {
		log, err := os.ReadFile(m.log)
		if err != nil {
			return nil, err
		}
		found := address.FindSubmatch(log)
		if found == nil {
			return nil, errors.New("a consumer has not said where its metrics are")
		}
		if err := scrape(ctx, "http://"+string(found[1])+"/metrics", sums); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

func scrape(ctx context.Context, url string, sums map[string]float64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); ; {
		if !lines.Scan() {
			return lines.Err()
		}
		i := strings.LastIndexByte(lines.Text(), ' ')
		if i < 0 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		if value, err := strconv.ParseFloat(lines.Text()[i+1:], 64); err == nil {
			sums[lines.Text()[:i]] += value
		}
	}
}
