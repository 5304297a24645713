/** Searching all buckets, merging and the report. Pure. */
import { cpuSecondsAt, type RunRates, wallSeconds } from '../rates/run-rates.ts';
import type { BucketGroup, QueryRequest, RunRequest, SearchForecast } from '../run-request.ts';
import { requestsOf, type StageWork } from './stage-work.ts';
import { MERGE_CORES, placeTasks, SEARCH_CORES } from './task-resources.ts';

/** The search of the buckets of one size. */
export interface GroupSearch {
  group: BucketGroup;
  forecast: SearchForecast;
  tasks: number;
  /** Of one task. */
  seconds: number;
  cpuSeconds: number;
}

/** Estimates the search of each group of buckets. */
export function searchGroups(
  groups: readonly BucketGroup[],
  queries: QueryRequest,
  request: RunRequest,
  rates: RunRates,
): GroupSearch[] {
  const { machine, machines } = request.cluster;
  const cores = Math.min(machine.cpus, SEARCH_CORES);
  const buckets = groups.reduce((sum, group) => sum + group.buckets, 0);
  const rate = rates.commands['search-bucket']!;
  return groups.map((group) => {
    const forecast = request.forecastSearch(group, queries.count, cores);
    const parts = Math.max(1, Math.ceil(queries.count / forecast.queriesPerTask));
    const chosen = forecast.estimates.find(({ strategy }) => strategy === forecast.strategy)!;
    const { perMachine: atOnce } = placeTasks(machine, machines, buckets * parts, cores);
    const rateOfFetch = Math.min((machine.networkGbps * 1e9) / 8, machine.diskBytesPerSecond) / atOnce;
    const fetchSeconds = request.isRemote ? forecast.fetchedBytes / rateOfFetch : 0;
    const startCpu = cpuSecondsAt(rate, { queries: queries.count / parts });
    return {
      ...{ group, forecast, tasks: group.buckets * parts },
      seconds: fetchSeconds + chosen.seconds + wallSeconds(startCpu, rate, cores),
      cpuSeconds: chosen.cpuSeconds + startCpu + fetchSeconds * rates.build.transferCpuSecondsPerByte * rateOfFetch,
    };
  });
}

/** Returns the stages of searching: search-bucket, merge-hits, render-report. */
export function searchingStages(
  groups: readonly BucketGroup[],
  queries: QueryRequest,
  request: RunRequest,
  rates: RunRates,
): StageWork[] {
  const { machine, light, machines, copiesInputs } = request.cluster;
  const searched = searchGroups(groups, queries, request, rates);
  const sum = (of: (one: GroupSearch) => number) => searched.reduce((total, one) => total + of(one), 0);
  const tasks = sum((one) => one.tasks);
  const buckets = sum(({ group }) => group.buckets);
  const hitRows = sum(({ group }) => group.buckets * queries.count * Math.min(queries.k, group.rows));
  const allRows = sum(({ group }) => group.buckets * group.rows);
  const rows = queries.count * Math.min(queries.k, allRows);
  const hitBytes = hitRows * rates.bytes.hit + tasks * rates.bytes.hitFile;
  const written = rows * (rates.bytes.neighbour + 2 * queries.idBytes) + rates.bytes.neighbourFile;
  const fetched = request.isRemote ? sum((one) => one.tasks * one.forecast.fetchedBytes) : 0;
  const cores = Math.min(machine.cpus, SEARCH_CORES);
  const search: StageWork = {
    ...{
      command: 'search-bucket',
      tasks,
      placement: placeTasks(machine, machines, tasks, cores),
      isLight: false,
    },
    ...{
      seconds: sum((one) => one.tasks * one.seconds) / tasks,
      cpuSeconds: sum((one) => one.tasks * one.cpuSeconds) / tasks,
    },
    ...{ rows: hitRows, bytesRead: fetched + sum((one) => one.tasks * one.forecast.readBytes) },
    ...{ bytesWritten: hitBytes, bytesStored: 0 },
    readRequests: request.isRemote ? sum((one) => one.tasks * requestsOf(one.forecast.fetchedBytes, 8)) : 0,
    writeRequests: copiesInputs ? tasks : 0,
  };
  const merge = rates.commands['merge-hits']!;
  const mergeCpu = cpuSecondsAt(merge, { hits: hitRows, rows, buckets });
  const report = rates.commands['render-report']!;
  const reportCpu = cpuSecondsAt(report, { rows, queries: queries.count, tasks });
  const last = (
    command: string,
    coresOf: number,
    cpuSeconds: number,
    seconds: number,
    more: Partial<StageWork>,
  ): StageWork => ({
    ...{
      command,
      tasks: 1,
      placement: placeTasks(light, machines, 1, Math.min(coresOf, light.cpus)),
      isLight: true,
      rows,
    },
    ...{
      seconds,
      cpuSeconds,
      bytesRead: 0,
      bytesWritten: 0,
      bytesStored: 0,
      readRequests: 0,
      writeRequests: 0,
      ...more,
    },
  });
  const mergeCores = Math.min(MERGE_CORES, light.cpus);
  return [
    search,
    last('merge-hits', MERGE_CORES, mergeCpu, wallSeconds(mergeCpu, merge, mergeCores), {
      ...{ bytesRead: hitBytes, bytesWritten: written, bytesStored: written },
      readRequests: copiesInputs ? buckets : 0,
    }),
    last('render-report', 1, reportCpu, wallSeconds(reportCpu, report, 1), {
      bytesRead: written / 5,
      bytesWritten: 215_000,
      bytesStored: 215_000,
    }),
  ];
}
