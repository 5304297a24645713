"""moto's server on a free port of 127.0.0.1, which deploys infra/lanceflow-ask.yaml and executes its state machine.

The engine of state machines is moto's. Here it also executes machines that CloudFormation deploys, CloudFormation knows versions
and aliases of state machines and definitions that are objects, an execution can be started by an alias, and Lambda functions
are called at addresses of AWS's runtime interface emulator. IAM has SimulatePrincipalPolicy of policies.py.

Standard input has one line of JSON for each change of these addresses: {name of a function: [addresses]}.
"""
import io
import json
import queue
import sys
import urllib.error
import urllib.request

import policies
from botocore.exceptions import ClientError
from moto.core.common_models import CloudFormationModel
from moto.core.config import default_user_config

default_user_config["stepfunctions"] = {"execute_state_machine": True}
default_user_config["lambda"] = {"use_docker": False}

from moto.awslambda.models import LambdaVersion
from moto.iam.responses import IamResponse
from moto.server import ThreadedMotoServer
from moto.stepfunctions import models
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends

# Resources of CloudFormation are created in the backend that executes them.
models.stepfunctions_backends = stepfunctions_parser_backends
create_from_cloudformation = models.StateMachine.create_from_cloudformation_json.__func__


def create_state_machine(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    properties = cloudformation_json["Properties"]
    definition = json.dumps(properties["Definition"])
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        definition = definition.replace("${" + name + "}", str(value))
    properties["DefinitionString"] = definition
    return create_from_cloudformation(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)


models.StateMachine.create_from_cloudformation_json = classmethod(create_state_machine)
get_attribute = models.StateMachine.get_cfn_attribute
models.StateMachine.get_cfn_attribute = lambda self, name: "1" if name == "StateMachineRevisionId" else get_attribute(self, name)
models.StateMachine.has_cfn_attr = classmethod(lambda cls, name: name in ["Name", "Arn", "DefinitionString", "RoleArn", "StateMachineName", "StateMachineRevisionId"])


def resource(resource_type, arn_of):
    """Adds a resource to CloudFormation, of which the template only uses the ARN."""

    class Resource(CloudFormationModel):
        __module__ = models.__name__
        cloudformation_type = staticmethod(lambda: resource_type)
        cloudformation_name_type = staticmethod(lambda: "")
        physical_resource_id = property(lambda self: self.arn)

        @classmethod
        def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
            created = cls()
            created.arn = arn_of(cloudformation_json["Properties"])
            return created

    return Resource


# The version of a function is known by its ARN.
create_version = LambdaVersion.create_from_cloudformation_json.__func__


def create_named_version(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    version = create_version(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
    function = cloudformation_json["Properties"]["FunctionName"]
    version.arn = f"arn:aws:lambda:{region_name}:{account_id}:function:{function}:{version.version}"
    return version


LambdaVersion.create_from_cloudformation_json = classmethod(create_named_version)
LambdaVersion.physical_resource_id = property(lambda self: self.arn)

added = [
    resource("AWS::StepFunctions::StateMachineVersion", lambda given: given["StateMachineArn"] + ":1"),
    resource(
        "AWS::StepFunctions::StateMachineAlias",
        lambda given: given["DeploymentPreference"]["StateMachineVersionArn"].rsplit(":", 1)[0] + ":" + given["Name"],
    ),
]
start_execution = StepFunctionsParserBackend.start_execution


def start_by_alias(self, state_machine_arn, *args, **kwargs):
    parts = state_machine_arn.split(":")
    return start_execution(self, ":".join(parts[:7]), *args, **kwargs)


StepFunctionsParserBackend.start_execution = start_by_alias

# One emulator answers one call at a time: calls wait for a free one of their function.
addresses = {}


class Emulators:
    """The client of Lambda that the engine calls."""

    def invoke(self, FunctionName, Payload=b"{}", **_):
        name = FunctionName.split(":function:")[-1].split(":")[0]
        if name not in addresses:
            error = {"Code": "ResourceNotFoundException", "Message": f"no function {name}"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 404, "RequestId": "1"}}, "Invoke")
        address = addresses[name].get()
        try:
            request = urllib.request.Request(f"{address}/2015-03-31/functions/function/invocations", data=Payload)
            try:
                with urllib.request.urlopen(request) as response:
                    body = response.read()
            except urllib.error.HTTPError as error:
                body = error.read()
        finally:
            addresses[name].put(address)
        try:
            found = json.loads(body)
        except ValueError:
            # The emulator reports the end of a process, and a time limit, as plain text.
            found = {"errorType": "Runtime.ExitError", "errorMessage": body.decode()}
        failed = isinstance(found, dict) and "errorType" in found
        answer = {"StatusCode": 200, "ExecutedVersion": "1", "Payload": io.BytesIO(json.dumps(found).encode())}
        return {**answer, "FunctionError": "Unhandled"} if failed else answer


lambda_eval_utils.boto_client_for = lambda **_: Emulators()
IamResponse.simulate_principal_policy = policies.simulate
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
# The server ends with the test that started it, however the test ends.
for line in sys.stdin:
    for name, found in json.loads(line).items():
        addresses[name] = queue.Queue()
        for address in found:
            addresses[name].put(address)
    print("ready", flush=True)
