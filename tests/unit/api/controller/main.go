// What the CronJob controller's library says of schedules: one JSON object a line in, one out.
package main

import (
	"encoding/json"
	"io"
	"os"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
)

type Case struct {
	Schedule string  `json:"schedule"`
	Zone     string  `json:"zone"`
	After    int64   `json:"after"`
	Count    int     `json:"count"`
	Refused  bool    `json:"refused"`
	Slots    []int64 `json:"slots"`
}

func main() {
	input, output := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var each Case
		if err := input.Decode(&each); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		output.Encode(answer(each))
	}
}

func answer(each Case) Case {
	each.Slots = []int64{}
	// As the controller puts the two together.
	schedule, err := cron.ParseStandard("TZ=" + each.Zone + " " + each.Schedule)
	if err != nil {
		each.Refused = true
		return each
	}
	at := time.Unix(each.After, 0).UTC()
	for range each.Count {
		at = schedule.Next(at)
		if at.IsZero() {
			break
		}
		each.Slots = append(each.Slots, at.Unix())
	}
	return each
}
