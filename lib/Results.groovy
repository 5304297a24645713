import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.channels.FileChannel
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.nio.file.StandardOpenOption
import nextflow.file.FileHelper

/**
 * Publishes the results of a search in --outdir. All results belong to one run: they are replaced together, when all are complete. `run.json`
 * names the run. It is removed first and written last, so that results with it are complete (docs/adr/0018-results-of-one-run.md).
 */
class Results {

    private static final String RUN = 'run.json'
    private static final List<String> NAMES = ['neighbours.parquet', 'neighbours.csv', 'neighbours.csv.gz', 'neighbours.csv.zst', 'neighbours.fasta', 'report.html']
    /** The place of the run's facts in the page of render-report. */
    private static final String MARK = '<!-- run -->'

    /**
     * Replaces the results in a folder, or below an s3:// prefix, with those of this run.
     * @param files outputs of the tasks; the facts of the run are added to the report
     * @param run see `describe`
     */
    static void publish(Object outdir, List<Path> files, Map run) {
        def folder = HostPath.named(outdir, '--outdir')
        try {
            // S3 has no folders.
            if (isLocal(folder)) Files.createDirectories(folder)
            withLock(folder) {
                isLocal(folder) ? replace(folder, files, run) : copyOver(folder, files, run)
            }
        }
        catch (Exception problem) {
            def onS3 = S3Files.has(folder)
            if (!onS3 && !(problem instanceof IOException)) throw problem
            def reason = onS3 ? S3Problem.reasonOf(problem) : HostPath.reasonOf(problem)
            def remedy = onS3 ? 'Check the bucket, and that this role may list, read, write and delete there' : 'Free space or choose another folder'
            Parameters.stop("--outdir ${outdir}: the results cannot be written: ${reason}. ${remedy}, and run again with -resume.")
        }
    }

    /**
     * Describes this run for `run.json`.
     * @param workflow Nextflow's metadata of the run
     * @param request see lib/Request.groovy
     * @param entries [bucket, fingerprint] of the buckets that were searched
     */
    static Map describe(Object workflow, Map request, List<List> entries) {
        return [
            version: 1,
            run: workflow.runName,
            session: workflow.sessionId.toString(),
            started: startOf(workflow),
            command: CommandLine.text(workflow.commandLine),
            resumed: workflow.resume as boolean,
            lanceflow: workflow.manifest.version,
            nextflow: workflow.nextflow.version.toString(),
            database: request.database,
            buckets: entries.collectEntries { bucket, fingerprint -> [(bucket): fingerprint] },
        ]
    }

    /** Names the other run whose results a folder has; null if it has no results, or those of this run. */
    static String others(Object outdir, Object workflow) {
        def folder = HostPath.named(outdir, '--outdir')
        def run = read(folder.resolve(RUN))
        // The heads of a campaign on AWS share a name and a session.
        if (run?.session == workflow.sessionId.toString() && run?.started == startOf(workflow)) return null
        if (!NAMES.any { name -> exists(folder.resolve(name)) }) return null
        return run ? Parameters.shown("the run ${run.run} of ${run.started}".toString()) : 'an earlier run'
    }

    private static String startOf(Object workflow) {
        return workflow.start.toInstant().toString()
    }

    private static Map read(Path file) {
        try {
            def run = exists(file) ? new JsonSlurper().parseText(file.getText('UTF-8')) : null
            return run instanceof Map ? run : null
        }
        catch (groovy.json.JsonException _problem) {
            return null
        }
    }

    private static void replace(Path folder, List<Path> files, Map run) {
        removeLeftovers(folder)
        def mark = UUID.randomUUID().toString()
        def temporary = { String name -> folder.resolve(".${name}.${mark}.tmp") }
        try {
            files.each { file -> copy(file, temporary(file.name), run, files*.name) }
            temporary(RUN).setText(json(run, files.collect { file -> temporary(file.name) }, files*.name), 'UTF-8')
            Files.deleteIfExists(folder.resolve(RUN))
            (NAMES - files*.name).each { name -> Files.deleteIfExists(folder.resolve(name)) }
            (files*.name + RUN).each { name -> Files.move(temporary(name), folder.resolve(name), StandardCopyOption.ATOMIC_MOVE) }
        }
        finally {
            (files*.name + RUN).each { name -> Files.deleteIfExists(temporary(name)) }
        }
    }

    /** Returns whether a file exists, in a folder or on S3. */
    static boolean exists(Path file) {
        return S3Files.has(file) ? S3Files.look(file).kind == 'file' : Files.exists(file)
    }

    /** Replaces the results without renaming: S3 replaces each object atomically. */
    private static void copyOver(Path folder, List<Path> files, Map run) {
        Files.deleteIfExists(folder.resolve(RUN))
        (NAMES - files*.name).each { name -> Files.deleteIfExists(folder.resolve(name)) }
        files.each { file -> copy(file, folder.resolve(file.name), run, files*.name) }
        folder.resolve(RUN).setText(json(run, files.collect { file -> folder.resolve(file.name) }, files*.name), 'UTF-8')
    }

    private static void copy(Path file, Path target, Map run, List<String> names) {
        if (file.name == 'report.html') target.setText(stamped(file.getText('UTF-8'), run, names - file.name + RUN), 'UTF-8')
        else FileHelper.copyPath(file, target, StandardCopyOption.REPLACE_EXISTING)
    }

    private static String json(Map run, List<Path> written, List<String> names) {
        def files = [names, written].transpose().collect { name, file -> [name: name, bytes: Files.size(file)] }
        return JsonOutput.prettyPrint(JsonOutput.toJson(run + [completed: java.time.Instant.now().toString(), files: files])) + '\n'
    }

    /** Adds the facts of the run, with links to the files beside the page. */
    private static String stamped(String page, Map run, List<String> names) {
        def facts = [
            'Run': run.run, 'Started': run.started, 'Command': run.command, 'Database': run.database,
            'Versions': "LanceFlow ${run.lanceflow}, Nextflow ${run.nextflow}",
            'Catalog': run.buckets.take(100).collect { bucket, fingerprint -> "${bucket} ${fingerprint}" }.join(', ') +
                (run.buckets.size() > 100 ? ", and ${run.buckets.size() - 100} more: run.json" : ''),
        ]
        def rows = facts.collect { name, value -> "<tr><td>${name}</td><td><bdi>${html(value)}</bdi></td></tr>\n" }.join('')
        rows += "<tr><td>Files</td><td>${names.sort(false).collect { name -> "<a href=\"${name}\">${name}</a>" }.join(', ')}</td></tr>\n"
        return page.replace(MARK, "<h2>This run</h2>\n<div class=\"scroll\"><table>\n<tbody>\n${rows}</tbody>\n</table></div>")
    }

    private static String html(Object text) {
        return Parameters.shown(text.toString()).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')
    }

    /** Removes the temporary files of a killed run; the caller holds the lock, so no other run writes here. */
    private static void removeLeftovers(Path folder) {
        def stream = Files.newDirectoryStream(folder, '.*.tmp')
        try {
            stream.findAll { file -> file.name ==~ /\.(neighbours\.(parquet|csv|csv\.gz|csv\.zst|fasta)|report\.html|run\.json)\.[0-9a-f-]{36}\.tmp/ }
                .each { file -> Files.deleteIfExists(file) }
        }
        finally {
            stream.close()
        }
    }

    /** Runs an action under a lock. Of two runs that finish at the same time, one waits, and the results are those of the last. */
    private static void withLock(Path folder, Closure action) {
        if (!isLocal(folder)) {
            action()
            return
        }
        def info = Files.createDirectories(folder.resolve('pipeline_info'))
        FileChannel.open(info.resolve('.results.lock'), StandardOpenOption.CREATE, StandardOpenOption.WRITE).withCloseable { channel ->
            try {
                channel.lock()
            }
            catch (IOException _problem) {
                // A file system without locks.
            }
            action()
        }
    }

    private static boolean isLocal(Path path) {
        return path.fileSystem == FileSystems.default
    }
}
