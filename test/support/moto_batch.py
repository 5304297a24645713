"""moto's server on a free port of 127.0.0.1, whose Batch runs jobs as processes of this machine.

moto itself runs a job in Docker, or does not run it at all. Here its command runs unchanged, with the environment of Batch. Its
output goes to moto's CloudWatch Logs line by line, TerminateJob sends it SIGTERM and 30 seconds later SIGKILL, and a job whose
definition has retries is restarted. IAM has SimulatePrincipalPolicy of policies.py. Everything else is moto's.

With arguments, a job runs in its image. The arguments are a folder as the root of the machine, and a command that starts
containers, to which the job's name, environment, volumes, image and command are added.
"""
import datetime
import os
import signal
import subprocess
import sys
import threading
import time

import policies
from moto.batch import models
from moto.iam.responses import IamResponse
from moto.server import ThreadedMotoServer

# Batch's own time between SIGTERM and SIGKILL.
STOP_SECONDS = 30


def run_as_process(job):
    container = job.job_definition.container_properties
    options = container.get("logConfiguration", {}).get("options", {})
    group, stream = options.get("awslogs-group", "/aws/batch/job"), job._stream_name
    job.status = "RUNNABLE"
    # A job with such a name waits for a machine that never starts.
    while "waits" in job.job_name and not job.stop:
        time.sleep(0.05)
    if job.stop:
        return job._mark_stopped(success=False)
    job.log_stream_name = stream
    job._log_backend.ensure_log_group(group)
    job._log_backend.ensure_log_stream(group, stream)
    job.job_started_at = datetime.datetime.now()
    retry = job.job_definition.retry_strategy or {}
    last_codes = [rule.get("onExitCode") for rule in retry.get("evaluateOnExit", []) if rule["action"].upper() == "EXIT"]
    attempts = int(retry.get("attempts", 1))
    for attempt in range(1, attempts + 1):
        job.exit_code = run_once(job, attempt, group, stream)
        if job.stop or job.exit_code == 0 or str(job.exit_code) in last_codes:
            break
    job._mark_stopped(success=job.exit_code == 0 and not job.stop)


def run_once(job, attempt, group, stream):
    job._start_attempt()
    environment = {entry["name"]: entry["value"] for entry in job._get_container_property("environment", [])}
    environment["AWS_BATCH_JOB_ATTEMPT"] = str(attempt)
    command = job._get_container_property("command", [])
    process = subprocess.Popen(
        in_container(job, environment, attempt, command) if len(sys.argv) > 1 else command,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    job.status = "RUNNING"

    def stop_when_told():
        while process.poll() is None and not job.stop:
            time.sleep(0.05)
        if process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # The first process of a container ignores signals until it handles them.
            remove_container(job, attempt)
            os.killpg(process.pid, signal.SIGKILL)

    watcher = threading.Thread(target=stop_when_told)
    watcher.start()
    for line in process.stdout:
        event = {"timestamp": int(time.time() * 1000), "message": line.rstrip("\n")}
        job._log_backend.put_log_events(group, stream, [event])
    code = process.wait()
    watcher.join()
    if job.stop:
        # A client that ends before its container has started does not pass the signal on.
        remove_container(job, attempt)
    return code


def container_name(job, attempt):
    return f"{job.job_name}-{job.job_id}-{attempt}"


def remove_container(job, attempt):
    if len(sys.argv) > 1:
        subprocess.run([sys.argv[2], "rm", "--force", "--ignore", "--time", "0", container_name(job, attempt)], stdout=subprocess.DEVNULL)


def in_container(job, environment, attempt, command):
    machine, *engine = sys.argv[1:]
    properties = job.job_definition.container_properties
    options = ["--name", container_name(job, attempt)]
    # For AWS's own addresses, and for the keys of the job's role.
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    aws = {"AWS_ENDPOINT_URL": endpoint, "AWS_ENDPOINT_URL_S3": endpoint, "AWS_ACCESS_KEY_ID": "test-key", "AWS_SECRET_ACCESS_KEY": "test-secret"}
    for name, value in {**aws, **environment}.items():
        options += ["--env", f"{name}={value}"]
    sources = {volume["name"]: volume["host"]["sourcePath"] for volume in properties.get("volumes", [])}
    for mount in properties.get("mountPoints", []):
        options += ["--volume", f"{machine}{sources[mount['sourceVolume']]}:{mount['containerPath']}"]
    if properties.get("user"):
        options += ["--user", properties["user"]]
    return [*engine, *options, properties["image"], *command]


container_details = models.Job._container_details


def with_exit_code(job):
    code = {} if job.exit_code is None else {"exitCode": job.exit_code}
    return {**container_details(job), **code, "resourceRequirements": job._get_container_property("resourceRequirements", [])}


models.Job._container_details = with_exit_code
models.Job.run = run_as_process
IamResponse.simulate_principal_policy = policies.simulate
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
# The server ends with the test that started it, however the test ends.
sys.stdin.read()
for backends in models.batch_backends.values():
    for backend in backends.values():
        for job in backend._jobs.values():
            job.stop = True
time.sleep(0.2)
