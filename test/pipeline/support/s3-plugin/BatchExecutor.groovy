// A stand-in for the executor of Nextflow's AWS plugin: it sends AWS Batch the requests of version 2.9, over plain HTTP and unsigned, and
// writes the task's script with the plugin's calls of `aws`. It has no batched requests, rate limits, job arrays or encryption.
package lanceflow.test

import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.nio.file.Path
import nextflow.exception.ProcessException
import nextflow.executor.BashWrapperBuilder
import nextflow.executor.Executor
import nextflow.executor.SimpleFileCopyStrategy
import nextflow.extension.FilesEx
import nextflow.processor.TaskBean
import nextflow.processor.TaskHandler
import nextflow.processor.TaskMonitor
import nextflow.processor.TaskPollingMonitor
import nextflow.processor.TaskRun
import nextflow.processor.TaskStatus
import nextflow.util.CacheHelper
import nextflow.util.Duration
import nextflow.util.Escape
import nextflow.util.ServiceName
import org.pf4j.ExtensionPoint

@ServiceName('awsbatch')
class BatchExecutor extends Executor implements ExtensionPoint {
    private final HttpClient http = HttpClient.newHttpClient()
    private final Map<String, String> definitions = [:]
    Path remoteBin

    boolean isContainerNative() { return true }
    String containerConfigEngine() { return 'docker' }
    boolean isSecretNative() { return true }
    Map getOptions() { return session.config.aws.batch }
    String getRegion() { return session.config.aws.region }

    protected void register() {
        super.register()
        remoteBin = FilesEx.copyTo(session.binDir, tempDir)
    }

    protected TaskMonitor createTaskMonitor() { return TaskPollingMonitor.create(session, name, 1000, Duration.of('10 sec')) }
    TaskHandler createTaskHandler(TaskRun task) { return new BatchTask(task, this) }

    /** The text of a file of this plugin, which tests of the image use too. */
    String resource(String file) { return BatchExecutor.getResource("/${file}").text.replace('REGION', region) }

    Map ask(String call, Map body) {
        def request = HttpRequest.newBuilder(URI.create("${System.getenv('AWS_ENDPOINT_URL')}/v1/${call}"))
        request.header('Authorization', "AWS4-HMAC-SHA256 Credential=unsigned/20250101/${region}/batch/aws4_request, SignedHeaders=host, Signature=0")
        def answer = http.send(request.POST(BodyPublishers.ofString(JsonOutput.toJson(body))).build(), BodyHandlers.ofString())
        if (answer.statusCode() >= 300) throw new ProcessException("AWS Batch, ${call}: ${answer.statusCode()} ${answer.body()}")
        return answer.body() ? new JsonSlurper().parseText(answer.body()) as Map : [:]
    }

    /** Returns the definition of a task's image: the one of an earlier head, if it exists. */
    synchronized String definition(String image) {
        if (image.startsWith('job-definition://')) return image.substring(17)
        return definitions.computeIfAbsent(image) { _image ->
            def name = "nf-${image.replaceAll(/[^a-zA-Z0-9\-_]+/, '-')}".toString()
            def volumes = (options.volumes as List<String>).indexed(1)
            def container = [
                image: image, command: ['true'], jobRoleArn: options.jobRole,
                resourceRequirements: [[type: 'VCPU', value: '1'], [type: 'MEMORY', value: '1024']],
                logConfiguration: [logDriver: 'awslogs', options: ['awslogs-region': region, 'awslogs-group': options.logsGroup]],
                mountPoints: volumes.collect { i, path -> [sourceVolume: "vol-${i}", containerPath: path, readOnly: false] },
                volumes: volumes.collect { i, path -> [name: "vol-${i}", host: [sourcePath: path]] },
            ]
            def token = CacheHelper.hasher([name, container.toString()]).hash().toString()
            def known = ask('describejobdefinitions', [jobDefinitionName: name]).jobDefinitions
            def found = known.find { one -> one.status == 'ACTIVE' && one.parameters?.'nf-token' == token }
                ?: ask('registerjobdefinition', [jobDefinitionName: name, type: 'container', parameters: ['nf-token': token], containerProperties: container])
            return "${name}:${found.revision}".toString()
        }
    }
}

class BatchTask extends TaskHandler {
    private static final int NO_STATUS = Integer.MAX_VALUE
    private final BatchExecutor executor
    private String job

    BatchTask(TaskRun task, BatchExecutor executor) {
        super(task)
        this.executor = executor
    }

    void submit() {
        new BatchScript(task.toTaskBean(), executor).build()
        def config = task.config
        def resources = [[type: 'MEMORY', value: config.memory.toMega().toString()]]
        if (config.cpus > 1) resources << [type: 'VCPU', value: config.cpus.toString()]
        def tries = executor.options.maxTransferAttempts.toString()
        def place = FilesEx.toUriString(task.workDir)
        def command = ['bash', '-o', 'pipefail', '-c', executor.resource('launch-24.10.txt').trim().replace('WORK', place)]
        job = executor.ask('submitjob', [
            jobName: task.name.replaceAll(' ', '_').replaceAll(/[^a-zA-Z0-9_-]/, '').take(128), jobQueue: config.queue.toString(),
            jobDefinition: executor.definition(task.container), tags: config.resourceLabels, propagateTags: true,
            retryStrategy: [attempts: executor.options.maxSpotAttempts, evaluateOnExit: [[action: 'RETRY', onStatusReason: 'Host EC2*'], [action: 'EXIT', onReason: '*']]],
            timeout: [attemptDurationSeconds: Math.max(60, config.time.toSeconds() as int)],
            containerOverrides: [
                command: command, resourceRequirements: resources,
                environment: ['AWS_MAX_ATTEMPTS', 'AWS_METADATA_SERVICE_NUM_ATTEMPTS'].collect { name -> [name: name, value: tries] },
            ],
        ]).jobId
        status = TaskStatus.SUBMITTED
    }

    private Map describe() { return executor.ask('describejobs', [jobs: [job]]).jobs[0] }

    boolean checkIfRunning() {
        if (!submitted || !(describe().status in ['RUNNING', 'SUCCEEDED', 'FAILED'])) return false
        status = TaskStatus.RUNNING
        return true
    }

    boolean checkIfCompleted() {
        def found = running ? describe() : [:]
        if (!(found.status in ['SUCCEEDED', 'FAILED'])) return false
        task.exitStatus = found.container.exitCode ?: readStatus()
        task.stdout = task.workDir.resolve(TaskRun.CMD_OUTFILE)
        task.stderr = task.workDir.resolve(TaskRun.CMD_ERRFILE)
        if (found.status == 'FAILED' || task.exitStatus == NO_STATUS) task.error = new ProcessException(found.statusReason ?: '(unknown)')
        status = TaskStatus.COMPLETED
        return true
    }

    private int readStatus() {
        try {
            return task.workDir.resolve(TaskRun.CMD_EXIT).text as int
        }
        catch (Exception _missing) {
            return NO_STATUS
        }
    }

    void kill() { executor.ask('terminatejob', [jobId: job, reason: 'Job killed by NF']) }
}

class BatchScript extends BashWrapperBuilder {
    BatchScript(TaskBean bean, BatchExecutor executor) {
        super(bean, new BatchFiles(bean, executor))
        // The container's folder is empty, so the scripts are inputs too.
        [TaskRun.CMD_SCRIPT, TaskRun.CMD_RUN].each { name -> bean.inputFiles[name] = bean.workDir.resolve(name) }
    }

    protected boolean fixOwnership() { return false }
}

/** How files come to a task and leave it, by the functions of staging.sh. */
class BatchFiles extends SimpleFileCopyStrategy {
    private final BatchExecutor executor

    BatchFiles(TaskBean bean, BatchExecutor executor) {
        super(bean)
        this.executor = executor
    }

    private static String at(Path path) { return "s3:/${Escape.path(path)}" }

    String getBeforeStartScript() { return executor.resource('staging.sh') }

    String getEnvScript(Map variables, boolean container) {
        def bin = "aws --region ${executor.region} s3 cp --recursive --only-show-errors ${at(executor.remoteBin)} \$PWD/nextflow-bin\n" +
            'chmod +x $PWD/nextflow-bin/* || true\nexport PATH=$PWD/nextflow-bin:$PATH\n'
        return bin + (super.getEnvScript(variables.findAll { name, _value -> name != 'PATH' }, false) ?: '')
    }

    String getStageInputFilesScript(Map<String, Path> inputs) {
        return "downloads=(true)\n${super.getStageInputFilesScript(inputs)}\nnxf_parallel \"\${downloads[@]}\"\n"
    }

    String stageInputFile(Path path, String name) { return "downloads+=(\"nxf_s3_download ${at(path)} ${Escape.path(name)}\")" }

    String getUnstageOutputFilesScript(List<String> outputs, Path target) {
        def names = normalizeGlobStarPaths(outputs).collect { name -> Escape.path(name) }.join(' ')
        return names ? """\
            uploads=()
            IFS=\$'\\n'
            for name in \$(eval "ls -1d ${names}" | sort | uniq); do
                uploads+=("nxf_s3_upload '\$name' ${at(target)}")
            done
            unset IFS
            nxf_parallel "\${uploads[@]}"
            """.stripIndent() : null
    }

    String touchFile(Path file) { return "echo start | nxf_s3_upload - ${at(file)}" }
    String fileStr(Path path) { return Escape.path(path.fileName) }
    String copyFile(String name, Path target) { return "nxf_s3_upload ${Escape.path(name)} ${at(target.parent)}" }
    String exitFile(Path path) { return "| nxf_s3_upload - ${at(path)} || true" }
    String pipeInputFile(Path path) { return " < ${Escape.path(path.fileName)}" }
}
