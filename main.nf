#!/usr/bin/env nextflow
// LanceFlow: builds a database of protein embeddings (--input), searches it (--queries), or both in one run.

include { BUILD } from './workflows/build.nf'
include { REPORT } from './workflows/report.nf'
include { SEARCH } from './workflows/search.nf'
include { EVALUATION } from './workflows/evaluate.nf'

workflow {
    if (params.help) {
        println(Parameters.help(projectDir))
    }
    else {
        Parameters.check(params, projectDir)
        request = Request.check(params, projectDir, workflow.workDir, workflow.stubRun)
        if (workflow.containerEngine) {
            DatabaseUri.create(request.database)
        }
        // [bucket, fingerprint, bytes] of every bucket to search
        entries = channel.fromList(request.entries)
        // value: bucket count
        count = channel.value(request.entries.size())
        // JSON report of a task
        reports = channel.empty()
        // list of the results of a search
        results = channel.value([])
        // [source, table of records and files that one task skipped]
        skipped = channel.empty()

        summary = new Summary()
        if (request.inputs) {
            BUILD(request)
            entries = BUILD.out.entries
            count = BUILD.out.count
            reports = BUILD.out.reports
            skipped = skipped.mix(BUILD.out.skipped)
        }
        if (request.queries || request.query_ids) {
            SEARCH(request, entries, count)
            results = SEARCH.out.results
            reports = reports.mix(SEARCH.out.reports)
            skipped = skipped.mix(SEARCH.out.skipped)
        }
        if (request.inputs || request.queries || request.query_ids) {
            REPORT(request, results, reports, entries, count)
        }
        reports.subscribe { file -> summary.addReport(file) }
        if (request.evaluate) {
            EVALUATION(request, entries, count)
            EVALUATION.out.files.subscribe { files -> EvaluationFiles.publish(request.outdir, files) }
        }
        skipped.toList().subscribe { tables -> SkippedRecords.publish(request.outdir, tables) }
        entries.subscribe { bucket, _fingerprint, _bytes -> summary.addBucket(bucket) }
        if (!workflow.stubRun) {
            log.info("To follow its tasks: ${CommandLine.program(projectDir, 'bin/lanceflow')} watch")
        }
        workflow.onComplete {
            showEnd(request, summary)
        }
    }
}

/** Prints what was made, or why the run failed, and warns if --outdir still has the results of another run. */
def showEnd(request, summary) {
    def others = Results.others(request.outdir, workflow)
    if (others) {
        log.warn("The results in ${request.outdir} are those of ${others}. This run did not replace them.")
    }
    if (SkippedRecords.count > 0) {
        def what = SkippedRecords.count == 1 ? 'record or file' : 'records or files'
        log.warn("Skipped:    ${SkippedRecords.count} ${what} without residues, listed in ${request.outdir}/skipped.csv")
    }
    log.info(workflow.success ? summary.text(request, workflow, projectDir) : failure(request))
}

/** Formats the failed worker's message, and the commands that show its log and resume the run. */
def failure(request) {
    def message = Failure.message(workflow, request.inputs + request.queries)
    def shown = Failure.logCommand(workflow)
    def lines = [message ?: 'The run was stopped.', shown ? "Its log:    ${shown}" : null]
    return "\n${(lines.findAll() + "To resume:  ${CommandLine.resumed(workflow.commandLine)}").join('\n')}"
}
