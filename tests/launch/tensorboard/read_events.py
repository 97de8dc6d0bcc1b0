#!/usr/bin/env python3
"""What TensorBoard's own reader finds in a run, as JSON: {"scalars": {tag: [[step, value], ...]}, "hparams": {...}}.

  read_events.py RUN

Exit code 77: TensorBoard is not installed."""
import json
import sys

try:
    from tensorboard.backend.event_processing import event_accumulator
    from tensorboard.plugins.hparams import plugin_data_pb2
except ImportError:
    sys.exit(77)

events = event_accumulator.EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
scalars = {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
hparams, ended = {}, False
for tag, content in events.PluginTagToContent("hparams").items():
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    if tag == "_hparams_/session_start_info":
        for name, value in data.session_start_info.hparams.items():
            hparams[name] = getattr(value, value.WhichOneof("kind"))
    if tag == "_hparams_/session_end_info":
        ended = data.session_end_info.end_time_secs > 0
print(json.dumps({"scalars": scalars, "hparams": hparams, "ended": ended}))
