package main

import (
	"math"
	"slices"
	"time"
)

const (
	// lateness is what a busy machine may add without saying anything about it.
	lateness = 50 * time.Millisecond
	// quiet is how long nothing fails between two windows of failures.
	quiet = time.Second
	// maxSwitches bounds the list where clusters answer in turns.
	maxSwitches = 50
)

// summary is what is printed. Times are seconds since the start.
type summary struct {
	N        int            `json:"n"`
	Statuses map[string]int `json:"statuses"`
	Failed   int            `json:"failed"`
	Failures []window       `json:"failures"`
	// Clusters counts the answers that came, failed or not, by who gave them;
	// those who didn't say are under "".
	Clusters map[string]int `json:"clusters"`
	// Switches are the first 50 changes from one cluster to another.
	Switches    []change `json:"switches"`
	SwitchCount int      `json:"switch_count"`
	Latency     latency  `json:"latency_ms"`
	Resent      int      `json:"resent"`
	// KeptUp is false when requests started late: all connections, or the machine,
	// were busy.
	KeptUp    bool    `json:"kept_up"`
	Late      int     `json:"late"`
	LateMaxMs float64 `json:"late_max_ms"`
}

// window is a time in which requests failed, with less than a second between.
type window struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// N requests failed, of Of that were due in the window.
	N  int `json:"n"`
	Of int `json:"of"`
}

type change struct {
	At   float64 `json:"at"`
	From string  `json:"from"`
	To   string  `json:"to"`
}

type latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// summarize takes answers in the order in which they were due.
func summarize(answers []answer, resent int) summary {
	s := summary{
		N:        len(answers),
		Statuses: map[string]int{},
		Failures: windows(answers),
		Clusters: map[string]int{},
		Switches: []change{},
		Latency:  percentiles(answers),
		Resent:   resent,
	}
	before := ""
	for _, one := range answers {
		s.Statuses[one.status]++
		if !one.ok {
			s.Failed++
		}
		if one.ok || one.cluster != "" {
			s.Clusters[one.cluster]++
		}
		if one.late > lateness {
			s.Late++
		}
		s.LateMaxMs = max(s.LateMaxMs, milliseconds(one.late))
		// An error tells nothing of who would have answered.
		if !one.ok || one.cluster == "" {
			continue
		}
		if before != "" && before != one.cluster {
			s.SwitchCount++
			if len(s.Switches) < maxSwitches {
				s.Switches = append(s.Switches, change{seconds(one.due), before, one.cluster})
			}
		}
		before = one.cluster
	}
	s.KeptUp = s.Late == 0
	return s
}

func windows(answers []answer) []window {
	found := []window{}
	first, last := -1, -1
	failed := 0
	end := func() {
		if first >= 0 {
			found = append(found, window{
				From: seconds(answers[first].due),
				To:   seconds(answers[last].due),
				N:    failed,
				Of:   last - first + 1,
			})
		}
	}
	for index, one := range answers {
		if one.ok {
			continue
		}
		if first < 0 || one.due-answers[last].due >= quiet {
			end()
			first, failed = index, 0
		}
		last = index
		failed++
	}
	end()
	return found
}

// percentiles by nearest rank.
func percentiles(answers []answer) latency {
	if len(answers) == 0 {
		return latency{}
	}
	sorted := make([]time.Duration, len(answers))
	for index, one := range answers {
		sorted[index] = one.latency
	}
	slices.Sort(sorted)
	at := func(share float64) float64 {
		rank := int(math.Ceil(share * float64(len(sorted))))
		return milliseconds(sorted[max(rank, 1)-1])
	}
	return latency{P50: at(0.5), P99: at(0.99), Max: at(1)}
}

func seconds(duration time.Duration) float64 {
	return math.Round(duration.Seconds()*1000) / 1000
}

func milliseconds(duration time.Duration) float64 {
	return math.Round(duration.Seconds()*1e6) / 1000
}
