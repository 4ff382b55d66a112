using System.Diagnostics;
using RobustTrain.Dashboard.Catalog;
using RobustTrain.Monitoring.Status;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Metrics;

/// <summary>What <c>/metrics</c> tells: runs, their loaders, hosts and GPUs, and this server. Shares are ratios from 0 to 1, as Prometheus has them.</summary>
internal static class MetricsPage
{
    private static readonly string[] s_states = [.. Enum.GetNames<RunState>().Select(name => name.ToLowerInvariant()), "unreadable"];

    /// <summary>The text.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="hosts">The hosts.</param>
    /// <param name="viewers">How many pages are open.</param>
    public static string Write(IReadOnlyList<TrackedRun> runs, IReadOnlyList<SystemStatus> hosts, int viewers)
    {
        PrometheusText text = new();
        WriteRuns(text, runs);
        WriteLoaders(text, runs);
        WriteHosts(text, [.. hosts.Select(host => host.Cpu).OfType<CpuStatus>()]);
        WriteGpus(text, [.. hosts.SelectMany(host => host.Gpus).Where(gpu => gpu.Index is not null)]);
        WriteServer(text, viewers);
        return text.ToString();
    }

    private static void WriteRuns(PrometheusText text, IReadOnlyList<TrackedRun> runs)
    {
        text.Write("robusttrain_run_info", "gauge", "What a run is; always 1.", runs.Select(run => new Sample(
            1, ("run", run.RelativePath), ("id", run.Record?.Id), ("name", run.Summary.Name), ("task", run.Summary.Task), ("host", run.Summary.Host), ("best_metric", run.Summary.BestMetric))));
        text.Write("robusttrain_run_state", "gauge", "1 for the state that a run is in, 0 for the others.", runs.SelectMany(run => s_states.Select(state => new Sample(
            run.Summary.State == state ? 1 : 0, ("run", run.RelativePath), ("state", state)))));
        Gauge("robusttrain_run_epochs_done", "Epochs that are complete.", run => run.EpochsDone);
        Gauge("robusttrain_run_epochs", "Epochs to train.", run => run.Epochs);
        Gauge("robusttrain_run_progress_ratio", "The share of the training that is done.", run => run.Progress);
        Gauge("robusttrain_run_time_left_seconds", "The time that is left, of runs that are running.", run => run.SecondsLeft);
        Gauge("robusttrain_run_duration_seconds", "How long processes have worked on a run.", run => run.DurationSeconds);
        Gauge("robusttrain_run_start_time_seconds", "When a run began, in seconds since 1970.", run => run.Started?.ToUnixTimeMilliseconds() / 1000.0);
        Gauge("robusttrain_run_attempts", "How many processes have worked on a run.", run => run.Attempts);
        Gauge("robusttrain_run_loss", "The newest training loss.", run => run.Loss);
        Gauge("robusttrain_run_learning_rate", "The learning rate.", run => run.LearningRate);
        Gauge("robusttrain_run_samples_per_second", "Training samples a second.", run => run.SamplesPerSecond);
        Gauge("robusttrain_run_data_wait_ratio", "The share of training time that waited for data.", run => run.DataWaitShare);
        Gauge("robusttrain_run_best_score", "The best epoch's score, by the run's metric.", run => run.BestScore);
        text.Write("robusttrain_run_score", "gauge", "The newest validation's scores.", runs.SelectMany(run => run.LastEpoch?.Scores is null ? [] : run.LastEpoch.Scores.Select(score => new Sample(
            score.Value, ("run", run.RelativePath), ("score", score.Key)))));

        void Gauge(string name, string help, Func<RunSummary, double?> value) =>
            text.Write(name, "gauge", help, runs.Where(run => run.Record is not null).Select(run => new Sample(value(run.Summary), ("run", run.RelativePath))));
    }

    private static void WriteLoaders(PrometheusText text, IReadOnlyList<TrackedRun> runs)
    {
        Counter("robusttrain_loader_samples_delivered_total", "Training samples delivered in complete epochs.", totals => totals.Delivered);
        Counter("robusttrain_loader_samples_retried_total", "How often a sample was loaded again.", totals => totals.Retried);
        Counter("robusttrain_loader_samples_skipped_total", "Training samples that were not delivered.", totals => totals.Skipped);
        Counter("robusttrain_loader_samples_quarantined_total", "How often an epoch met a sample in quarantine.", totals => totals.Quarantined);
        Counter("robusttrain_loader_worker_failures_total", "How often a worker died or stood still.", totals => totals.WorkerFailures);
        text.Write("robusttrain_loader_workers", "gauge", "Workers at the end of the last epoch.", runs.Select(run => new Sample(
            run.LastEpoch?.Loader?.Workers, ("run", run.RelativePath), ("kind", run.LastEpoch?.Loader?.WorkerKind))));

        void Counter(string name, string help, Func<LedgerTotals, long> value) =>
            text.Write(name, "counter", help, runs.Where(run => run.Record?.LedgerTotals is not null).Select(run => new Sample(value(run.Record!.LedgerTotals!), ("run", run.RelativePath))));
    }

    private static void WriteHosts(PrometheusText text, IReadOnlyList<CpuStatus> hosts)
    {
        text.Write("robusttrain_host_up", "gauge", "Whether a host's figures are current.", hosts.Select(cpu => new Sample(cpu.IsConnected ? 1 : 0, ("host", cpu.ComputerName))));
        Gauge("robusttrain_cpu_utilization_ratio", "All cores' utilisation.", cpu => cpu.UtilizationPercent / 100);
        Gauge("robusttrain_cpu_cores", "Logical cores.", cpu => cpu.LogicalCores);
        Gauge("robusttrain_cpu_load1", "The load average of a minute.", cpu => cpu.LoadAverage1);
        Gauge("robusttrain_memory_used_bytes", "The host's memory in use.", cpu => cpu.MemoryUsedBytes);
        Gauge("robusttrain_memory_total_bytes", "The host's memory.", cpu => cpu.MemoryTotalBytes);

        // A stale value would look like a current one.
        void Gauge(string name, string help, Func<CpuStatus, double?> value) =>
            text.Write(name, "gauge", help, hosts.Where(cpu => cpu.IsConnected).Select(cpu => new Sample(value(cpu), ("host", cpu.ComputerName))));
    }

    private static void WriteGpus(PrometheusText text, IReadOnlyList<GpuStatus> gpus)
    {
        text.Write("robusttrain_gpu_info", "gauge", "What a GPU is; always 1.", gpus.Select(gpu => new Sample(
            1, ("host", gpu.ComputerName), ("gpu", $"{gpu.Index}"), ("uuid", gpu.Uuid), ("name", gpu.Name), ("driver", gpu.DriverVersion))));
        text.Write("robusttrain_gpu_up", "gauge", "Whether a GPU's figures are current.", gpus.Select(gpu => new Sample(gpu.IsConnected ? 1 : 0, ("host", gpu.ComputerName), ("gpu", $"{gpu.Index}"))));
        Write("robusttrain_gpu_utilization_ratio", "gauge", "The share of time in which a kernel ran.", gpu => gpu.UtilizationPercent / 100.0);
        Write("robusttrain_gpu_memory_used_bytes", "gauge", "The GPU's memory in use.", gpu => gpu.MemoryUsedBytes);
        Write("robusttrain_gpu_memory_total_bytes", "gauge", "The GPU's memory.", gpu => gpu.MemoryTotalBytes);
        Write("robusttrain_gpu_temperature_celsius", "gauge", "The GPU's temperature.", gpu => gpu.TemperatureCelsius);
        Write("robusttrain_gpu_power_watts", "gauge", "The power drawn.", gpu => gpu.PowerWatts);
        Write("robusttrain_gpu_power_limit_watts", "gauge", "The power limit in force.", gpu => gpu.PowerLimitWatts);
        Write("robusttrain_gpu_energy_joules_total", "counter", "The energy used since the driver was loaded.", gpu => gpu.EnergyJoules);
        Write("robusttrain_gpu_xid_errors_total", "counter", "XID errors seen since the page was started.", gpu => gpu.XidCount);

        void Write(string name, string type, string help, Func<GpuStatus, double?> value) =>
            text.Write(name, type, help, gpus.Where(gpu => gpu.IsConnected).Select(gpu => new Sample(value(gpu), ("host", gpu.ComputerName), ("gpu", $"{gpu.Index}"))));
    }

    private static void WriteServer(PrometheusText text, int viewers)
    {
        using Process self = Process.GetCurrentProcess();
        text.Write("robusttrain_dashboard_viewers", "gauge", "Pages that are open.", [new Sample(viewers)]);
        text.Write("process_cpu_seconds_total", "counter", "Processor time of this server.", [new Sample(self.TotalProcessorTime.TotalSeconds)]);
        text.Write("process_resident_memory_bytes", "gauge", "Resident memory of this server.", [new Sample(self.WorkingSet64)]);
        text.Write("process_start_time_seconds", "gauge", "When this server was started, in seconds since 1970.", [new Sample(new DateTimeOffset(self.StartTime).ToUnixTimeMilliseconds() / 1000.0)]);
    }
}
