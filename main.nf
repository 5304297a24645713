#!/usr/bin/env nextflow
// LanceFlow: builds a database of protein embeddings (--input), searches it (--queries), or both in one run.

include { after } from './workflows/barrier.nf'
include { BUILD } from './workflows/build.nf'
include { PLAN } from './workflows/plan.nf'
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
        summary = new Summary()
        // value: no task starts before it emits
        gate = channel.value(true)
        // value: list of the run's plan; empty without one
        plans = channel.value([])
        if (RunPlan.isAsked(request)) {
            RunPlan.warnOfUnplanned(request)
            PLAN(request)
            gate = PLAN.out.plan.map { _plan -> true }
            plans = PLAN.out.plan.map { plan -> [plan] }
        }
        if (request.plan_only) {
            PLAN.out.table.subscribe { table -> println(table.text.trim()) }
        }
        else {
            if (workflow.containerEngine) {
                DatabaseUri.create(request.database)
            }
            // [bucket, fingerprint, bytes] of every bucket to search
            entries = after(channel.fromList(request.entries), gate)
            // value: bucket count
            count = channel.value(request.entries.size())
            // JSON report of a task
            reports = channel.empty()
            // list of the results of a search
            results = channel.value([])
            // [source, table of records and files that one task skipped]
            skipped = channel.empty()

            if (request.inputs) {
                BUILD(request, gate)
                entries = BUILD.out.entries
                count = BUILD.out.count
                reports = BUILD.out.reports
                skipped = skipped.mix(BUILD.out.skipped)
            }
            if (request.queries || request.query_ids) {
                SEARCH(request, entries, count, gate)
                results = SEARCH.out.results
                reports = reports.mix(SEARCH.out.reports)
                skipped = skipped.mix(SEARCH.out.skipped)
            }
            if (request.inputs || request.queries || request.query_ids) {
                REPORT(request, results, reports, entries, count, plans)
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
        }
        workflow.onComplete {
            showEnd(request, summary)
        }
    }
}

/** Prints what was made, or why the run failed, and warns if --outdir still has the results of another run. */
def showEnd(request, summary) {
    // The plan is all that --plan_only prints.
    if (request.plan_only && workflow.success) {
        return
    }
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
