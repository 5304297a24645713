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
        entries = channel.fromList(request.entries)
        count = channel.value(request.entries.size())
        reports = channel.empty()

        if (request.inputs) {
            BUILD(request)
            entries = BUILD.out.entries
            count = BUILD.out.count
            reports = BUILD.out.reports
        }
        if (request.queries || request.query_ids) {
            SEARCH(request, entries, count, reports)
        }
        workflow.onComplete {
            showEnd(request)
        }
    }
}

/** Says what the run left, and whose the results are that lie in --outdir. */
def showEnd(request) {
    def others = Results.others(request.outdir, workflow)
    if (others) {
        log.warn("The results in ${request.outdir} are those of ${others}. This run did not replace them.")
    }
    if (workflow.success) {
        showResults(request)
    }
    else {
        showFailure()
    }
}

/** Says where the results are. */
def showResults(request) {
    log.info("\nDatabase:   ${request.database}")
    if (request.queries || request.query_ids) {
        def also = [none: '', plain: ' (and .csv)', gzip: ' (and .csv.gz)', zstd: ' (and .csv.zst)'][request.csv]
        log.info("Neighbours: ${request.outdir}/neighbours.parquet${also}\nReport:     ${request.outdir}/report.html")
    }
}

/** Ends with what went wrong, as the worker said it, and the command that goes on. */
def showFailure() {
    def said = Failure.message(workflow)
    log.info("\n${said ?: 'The run was stopped.'}\nTo go on:   ${CommandLine.resumed(workflow.commandLine)}")
}
