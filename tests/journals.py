"""Big journals, made from a seed."""

import json
from random import Random
from typing import IO
from uuid import UUID

PER_TRIGGER = 1000


def write(file: IO[str], jobs: int, seed: int = 1) -> int:
    """Writes direct sends of a thousand jobs each, the lines of one shuffled; says how many lines.

    Nearly every job has an attempt, a sent outcome and one or two delivery events by its message id.
    """
    dice = Random(seed)
    count = 0
    for number in range(-(-jobs // PER_TRIGGER)):
        size = min(PER_TRIGGER, jobs - number * PER_TRIGGER)
        lines = _trigger(dice, number, size)
        dice.shuffle(lines)
        file.writelines(lines)
        count += len(lines)
    return count


def _trigger(dice: Random, number: int, jobs: int) -> list[str]:
    trigger_id, execution_id = (f"019ab00{part}-{number:04x}-7000-8000-{number:012x}" for part in (0, 1))
    trigger = {
        "kind": "trigger",
        "account": "acme",
        "trigger_id": trigger_id,
        "flow_type": "direct_channel",
        "trigger_type": "sms",
        "trigger_source": "direct_api",
        "campaign_name": f"SMS Send - {number}",
        "currency": "USD",
        "created_at": "2025-11-23T10:00:00.000Z",
    }
    execution = {"account": "acme", "trigger_id": trigger_id, "execution_id": execution_id, "channel": "sms"}
    lines = [
        json.dumps(trigger) + "\n",
        json.dumps({"kind": "execution", **execution, "expected_jobs": jobs}) + "\n",
        f'{{"kind":"started","execution_id":"{execution_id}","at":"2025-11-23T10:00:01.000Z"}}\n',
    ]
    for job_id in range(1, jobs + 1):
        lines += _job(UUID(int=dice.getrandbits(128), version=4), execution_id, job_id)
    return lines


def _job(message: UUID, execution_id: str, job_id: int) -> list[str]:
    at = f"2025-11-23T10:{job_id % 60:02}:{job_id % 59:02}.{job_id % 1000:03}Z"
    job = f'"execution_id":"{execution_id}","job_id":{job_id}'
    lines = [f'{{"kind":"job",{job},"contact":"user_{job_id}","address":"+1415555{job_id:04}"}}\n']
    if job_id % 100 == 0:
        reason = '"code":"opted_out","reason":"Contact opted out of SMS"'
        return [*lines, f'{{"kind":"outcome",{job},"outcome":"filtered","at":"{at}",{reason}}}\n']
    sent = f'"provider":"twilio","provider_message_id":"{message}"'
    lines += [
        f'{{"kind":"attempt",{job},"n":1,"at":"{at}","provider":"twilio"}}\n',
        f'{{"kind":"outcome",{job},"outcome":"sent","at":"{at}",{sent},"segments":1,"cost":"0.0300"}}\n',
    ]
    for kind in ("delivered", "clicked")[: 1 + job_id % 2]:
        name = f'"event_id":"twilio:{message}:{kind}","type":"{kind}","at":"{at}"'
        lines.append(f'{{"kind":"event",{name},"account":"acme",{sent}}}\n')
    return lines
