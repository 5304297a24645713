// Sizes of the inputs, the catalog, earlier outcomes -> plan of the run, held against the budget.

include { PLAN_RUN } from '../modules/plan_run/main.nf'

workflow PLAN {
    take:
    request // map: see lib/Request.groovy

    main:
    PLAN_RUN(
        RunPlan.files(request.inputs),
        RunPlan.files(request.queries),
        request.embedding.files,
        request.plan_prices ? [request.plan_prices] : [],
        RunPlan.outcomes(request.outdir, workflow),
        RunPlan.entries(request.database, workflow.stubRun),
        request.database,
        RunPlan.options(request),
        request.workers.plan_run,
    )
    // [plan, its table], where the budget allows it. A higher budget does not plan again.
    allowed = PLAN_RUN.out.plan.combine(PLAN_RUN.out.table).map { plan, table ->
        RunPlan.requireBudget(plan, table, request.budget)
        [plan, table]
    }

    emit:
    // value: plan
    plan = allowed.map { plan, _table -> plan }.first()
    // value: its table
    table = allowed.map { _plan, table -> table }.first()
}
