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
    private static final String PAGE = 'report.html'
    /** The page of a run that only builds. */
    private static final String BUILD_PAGE = 'build.html'
    private static final String OUTCOME = 'outcome.json'
    private static final List<String> NAMES = ['neighbours.parquet', 'neighbours.csv', 'neighbours.csv.gz', 'neighbours.csv.zst', 'neighbours.fasta', PAGE]
    /** The place of the run's facts in the page of render-report. */
    private static final String MARK = '<!-- run -->'

    /**
     * Replaces the results in a folder, or below an s3:// prefix, with those of this run. A run that only builds has none, and keeps those of
     * an earlier run.
     * @param results of a search; empty without one
     * @param page report of the run, to which its facts are added
     * @param outcome what the run took
     * @param run see `describe`
     * @param others names of files in the folder that are not results of the run, to which the page links
     */
    static void publish(Object outdir, List<Path> results, Path page, Path outcome, Map run, List<String> others = []) {
        def isSearch = !results.isEmpty()
        def files = results.collectEntries { file -> [(file.name): file] } + [(isSearch ? PAGE : BUILD_PAGE): page, (OUTCOME): outcome]
        def folder = HostPath.named(outdir, '--outdir')
        try {
            // S3 has no folders.
            if (isLocal(folder)) Files.createDirectories(folder)
            withLock(folder) {
                isLocal(folder) ? replace(folder, files, run, isSearch, others) : copyOver(folder, files, run, isSearch, others)
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

    private static void replace(Path folder, Map<String, Path> files, Map run, boolean isSearch, List<String> others) {
        removeLeftovers(folder)
        def mark = UUID.randomUUID().toString()
        def temporary = { String name -> folder.resolve(".${name}.${mark}.tmp") }
        def names = files.keySet() + (isSearch ? [RUN] : [])
        try {
            files.each { name, file -> copy(file, temporary(name), run, besides(name, files, isSearch) + others) }
            if (isSearch) {
                temporary(RUN).setText(json(run, listed(files).collectEntries { name -> [(name): temporary(name)] }), 'UTF-8')
                removeOthers(folder, files)
            }
            names.each { name -> Files.move(temporary(name), folder.resolve(name), StandardCopyOption.ATOMIC_MOVE) }
        }
        finally {
            names.each { name -> Files.deleteIfExists(temporary(name)) }
        }
    }

    /** Names the other files of the run. */
    private static Collection<String> besides(String name, Map<String, Path> files, boolean isSearch) {
        return files.keySet() - name + (isSearch ? [RUN] : [])
    }

    private static void removeOthers(Path folder, Map<String, Path> files) {
        Files.deleteIfExists(folder.resolve(RUN))
        (NAMES - files.keySet()).each { name -> Files.deleteIfExists(folder.resolve(name)) }
    }

    /** Selects the names for run.json. A run that only builds replaces the outcome, and no other file of a search. */
    private static Collection<String> listed(Map<String, Path> files) {
        return files.keySet() - OUTCOME
    }

    /** Returns whether a file exists, in a folder or on S3. */
    static boolean exists(Path file) {
        return S3Files.has(file) ? S3Files.look(file).kind == 'file' : Files.exists(file)
    }

    /** Replaces the results without renaming: S3 replaces each object atomically. */
    private static void copyOver(Path folder, Map<String, Path> files, Map run, boolean isSearch, List<String> others) {
        if (isSearch) removeOthers(folder, files)
        files.each { name, file -> copy(file, folder.resolve(name), run, besides(name, files, isSearch) + others) }
        if (isSearch)
            folder.resolve(RUN).setText(json(run, listed(files).collectEntries { name -> [(name): folder.resolve(name)] }), 'UTF-8')
    }

    /** @param others names of the files beside it */
    private static void copy(Path file, Path target, Map run, Collection<String> others) {
        switch (file.name) {
            case PAGE: target.setText(stamped(file.getText('UTF-8'), run, others), 'UTF-8'); break
            case OUTCOME: target.setText(named(file.getText('UTF-8'), run, target.resolveSibling(OUTCOME)), 'UTF-8'); break
            default: FileHelper.copyPath(file, target, StandardCopyOption.REPLACE_EXISTING)
        }
    }

    /** Adds the name of the run to its outcome, and what earlier runs took. @param before their outcome, which may not exist */
    private static String named(String outcome, Map run, Path before) {
        // Tasks of a stub run write empty files.
        if (!outcome) return outcome
        def document = RunPlan.withEarlier(new JsonSlurper().parseText(outcome) as Map, RunPlan.read(before))
        return JsonOutput.prettyPrint(JsonOutput.toJson(document + run.subMap(['run', 'session', 'started']))) + '\n'
    }

    private static String json(Map run, Map<String, Path> written) {
        def files = written.collect { name, file -> [name: name, bytes: Files.size(file)] }
        return JsonOutput.prettyPrint(JsonOutput.toJson(run + [completed: java.time.Instant.now().toString(), files: files])) + '\n'
    }

    /** Adds the facts of the run, with links to the files beside the page. */
    private static String stamped(String page, Map run, Collection<String> names) {
        def facts = [
            'Run': run.run, 'Started': run.started, 'Command': run.command, 'Database': run.database,
            'Versions': "LanceFlow ${run.lanceflow}, Nextflow ${run.nextflow}",
            'Catalog': run.buckets.take(100).collect { bucket, fingerprint -> "${bucket} ${fingerprint}" }.join(', ') +
                (run.buckets.size() > 100 ? ", and ${run.buckets.size() - 100} more${RUN in names ? ": ${RUN}" : ''}" : ''),
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
            stream.findAll { file -> file.name ==~ /\.(neighbours\.(parquet|csv|csv\.gz|csv\.zst|fasta)|report\.html|build\.html|outcome\.json|run\.json)\.[0-9a-f-]{36}\.tmp/ }
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
