#!/usr/bin/env nextflow
// LanceFlow: builds a database of protein embeddings (--input), searches it (--queries), or both in one run.

include { BUILD } from './workflows/build.nf'
include { SEARCH } from './workflows/search.nf'

workflow {
    if (params.help) {
        println(Parameters.help(projectDir))
    }
    else {
        Parameters.check(params, projectDir)
        request = Request.check(params, projectDir, workflow.stubRun)
        if (workflow.containerEngine) {
            DatabaseUri.create(request.database)
        }
        // [bucket, fingerprint, bytes] of every bucket to search
        entries = channel.fromList(request.entries)
        // value: bucket count
        count = channel.value(request.entries.size())
        // JSON report of a task
        reports = channel.empty()
        // table of records and files that one task skipped
        skipped = channel.empty()

        if (request.inputs) {
            BUILD(request)
            entries = BUILD.out.entries
            count = BUILD.out.count
            reports = BUILD.out.reports
            skipped = skipped.mix(BUILD.out.skipped)
        }
        if (request.queries || request.query_ids) {
            SEARCH(request, entries, count, reports)
            skipped = skipped.mix(SEARCH.out.skipped)
        }
        skipped.toList().subscribe { tables -> SkippedRecords.publish(request.outdir, tables) }
        workflow.onComplete {
            showEnd(request)
        }
    }
}

/** Prints the places of the results or why the run failed, and warns if --outdir still has the results of another run. */
def showEnd(request) {
    def others = Results.others(request.outdir, workflow)
    if (others) {
        log.warn("The results in ${request.outdir} are those of ${others}. This run did not replace them.")
    }
    if (SkippedRecords.count > 0) {
        log.warn("Skipped:    ${SkippedRecords.count} records or files without residues, listed in ${request.outdir}/skipped.csv")
    }
    if (workflow.success) {
        showResults(request)
    }
    else {
        showFailure()
    }
}

/** Prints the places of the database and the results. */
def showResults(request) {
    log.info("\nDatabase:   ${request.database}")
    if (request.queries || request.query_ids) {
        def csv = [none: '', plain: ' (and .csv)', gzip: ' (and .csv.gz)', zstd: ' (and .csv.zst)'][request.csv]
        log.info("Neighbours: ${request.outdir}/neighbours.parquet${csv}\nReport:     ${request.outdir}/report.html")
    }
}

/** Prints the failed worker's message and the command that resumes the run. */
def showFailure() {
    def message = Failure.message(workflow)
    log.info("\n${message ?: 'The run was stopped.'}\nTo resume:  ${CommandLine.resumed(workflow.commandLine)}")
}
