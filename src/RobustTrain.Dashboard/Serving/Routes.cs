using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using RobustTrain.Dashboard.Access;
using RobustTrain.Dashboard.Catalog;
using RobustTrain.Dashboard.Control;
using RobustTrain.Dashboard.Fleets;
using RobustTrain.Dashboard.Hosts;
using RobustTrain.Dashboard.Journals;
using RobustTrain.Dashboard.Metrics;
using RobustTrain.Runs;

namespace RobustTrain.Dashboard.Serving;

/// <summary>What the page may ask for. A run is named by its id, a host by its place: no path comes from a request.</summary>
internal sealed class Routes(RunCatalog catalog, HostWatch hosts, AccessToken token, RunControl? control, TimeProvider time)
{
    private const long MostSettingsBytes = 1 << 20;

    private readonly SemaphoreSlim _controlling = new(1);
    private readonly FleetWatch _fleets = new(catalog.Root, time);

    /// <summary>Tells open pages of changes.</summary>
    public LiveStream Live => field ??= new LiveStream(State, time);

    /// <summary>Reads all once beside the server's start, so that the first page that is opened waits for less.</summary>
    public void ReadAhead() => _ = Task.Run(() => JsonSerializer.SerializeToUtf8Bytes(State(), PageJson.Default.StateView));

    /// <summary>Adds them.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (string path in PageFiles.Paths)
            routes.MapGet(path, PageFiles.WriteAsync);
        routes.MapGet("/api/state", context => WriteAsync(context, State(), PageJson.Default.StateView));
        routes.MapGet("/api/live", Live.ServeAsync);
        routes.MapGet("/api/runs/{id}", context => OfRunAsync(context, run => WriteAsync(context, ViewOf(run), PageJson.Default.RunView)));
        routes.MapGet("/api/runs/{id}/history", context => OfRunAsync(context, run => WriteAsync(context, catalog.HistoryOf(run), PageJson.Default.HistoryView)));
        routes.MapGet("/api/runs/{id}/pictures/{epoch}", context => OfRunAsync(context, run => PicturesAsync(context, run)));
        routes.MapGet("/api/runs/{id}/pictures/{epoch}/{sample}/{kind}", context => OfRunAsync(context, run => PictureAsync(context, run)));
        routes.MapGet("/api/hosts/{index}/history", HostAsync);
        routes.MapPost("/api/runs/{id}/stop", context => OfRunAsync(context, run => ControlAsync(context, run, isStop: true)));
        routes.MapPost("/api/runs/{id}/resume", context => OfRunAsync(context, run => ControlAsync(context, run, isStop: false)));
        routes.MapGet("/metrics", context =>
        {
            context.Response.ContentType = PrometheusText.ContentType;
            return context.Response.WriteAsync(MetricsPage.Write(catalog.Runs(), hosts.Latest, Live.Pages), context.RequestAborted);
        });
        routes.MapFallback(context => RequestGuard.Refuse(context, StatusCodes.Status404NotFound, "There is nothing of this name."));
    }

    private StateView State()
    {
        CatalogView view = catalog.View();
        Dictionary<(string, int), string> runOf = [];
        foreach (RunSummary run in view.Runs.Where(run => run.State == "running" && run.Host is not null && run.ProcessId is not null))
            runOf[(run.Host!.ToUpperInvariant(), run.ProcessId!.Value)] = run.Id;
        return new StateView(
            catalog.Root, Environment.MachineName, RunVersions.Current().RobustTrain, control is null ? null : token.Writing,
            view.Runs, hosts.View((host, process) => runOf.GetValueOrDefault((host.ToUpperInvariant(), process))),
            _fleets.View(catalog.Runs().ToDictionary(run => run.Folder, run => run.Id)), hosts.Alerts, view.Error);
    }

    private static RunView ViewOf(TrackedRun run)
    {
        string? settings = null, problem = null;
        try
        {
            settings = System.Text.Encoding.UTF8.GetString(PlainFile.Read(RunFolder.ConfigPathOf(run.Folder), MostSettingsBytes));
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            problem = refused.Message;
        }

        RunFacts? facts = run.Record is not { } record ? null : new RunFacts(
            record.Id, record.GitCommit, record.Versions, record.WorkingDirectory, record.TestScores, record.LedgerTotals,
            [.. record.Attempts.Select(attempt => new AttemptView(
                attempt.Started, attempt.Ended, attempt.DurationSeconds, attempt.ObservedState.ToString().ToLowerInvariant(), attempt.ExitCode, attempt.Error,
                attempt.Process.Host, attempt.Process.ProcessId, attempt.ResumedFromEpoch))]);
        return new RunView(run.Summary, facts, settings, problem, RunPictures.Epochs(run.Folder));
    }

    private async Task OfRunAsync(HttpContext context, Func<TrackedRun, Task> answer)
    {
        if (catalog.Find(context.GetRouteValue("id") as string ?? "") is not { } run)
        {
            await RequestGuard.Refuse(context, StatusCodes.Status404NotFound, "There is no such run; it may have been removed.");
            return;
        }

        try
        {
            await answer(run);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            await RequestGuard.Refuse(context, StatusCodes.Status404NotFound, refused.Message);
        }
    }

    private static Task PicturesAsync(HttpContext context, TrackedRun run) =>
        Number(context, "epoch") is { } epoch ? WriteAsync(context, RunPictures.Index(run.Folder, epoch), PageJson.Default.PictureIndex) : NotFound(context);

    private static Task PictureAsync(HttpContext context, TrackedRun run)
    {
        if (Number(context, "epoch") is not { } epoch || Number(context, "sample") is not { } sample || RunPictures.Picture(run.Folder, epoch, sample, context.GetRouteValue("kind") as string ?? "") is not { } picture)
            return NotFound(context);
        context.Response.ContentType = picture.Type;
        context.Response.ContentLength = picture.Content.Length;
        return context.Response.Body.WriteAsync(picture.Content, context.RequestAborted).AsTask();
    }

    private Task HostAsync(HttpContext context) =>
        Number(context, "index") is { } index && hosts.HistoryOf(index, context.Request.Query["span"] == "day") is { } history
            ? WriteAsync(context, history, PageJson.Default.HostHistoryView)
            : NotFound(context);

    private async Task ControlAsync(HttpContext context, TrackedRun run, bool isStop)
    {
        if (control is null)
        {
            await RequestGuard.Refuse(context, StatusCodes.Status403Forbidden, "This page only shows; started with -AllowControl (--allow-control) it may stop and resume runs.");
            return;
        }

        // One at a time: two that are pressed at once would start two trainers, of which one would only find the run taken.
        await _controlling.WaitAsync(context.RequestAborted);
        try
        {
            if (run.Record is null)
                throw new RunException(ExitCode.Configuration, "RunRecordNotReadable", run.Summary.Error ?? "The run can't be read.", run.Folder);
            string answer = isStop ? RunControl.Stop(run.Folder) : await control.ResumeAsync(run.Folder, CancellationToken.None);
            await WriteAsync(context, new AnswerView(answer), PageJson.Default.AnswerView);
        }
        catch (RunException refused)
        {
            await RequestGuard.Refuse(context, StatusCodes.Status409Conflict, refused.Message);
        }
        finally
        {
            _controlling.Release();
        }
    }

    private static int? Number(HttpContext context, string name) =>
        int.TryParse(context.GetRouteValue(name) as string, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) ? number : null;

    private static Task NotFound(HttpContext context) => RequestGuard.Refuse(context, StatusCodes.Status404NotFound, "There is nothing of this name.");

    // Piece by piece: curves are half a megabyte, which as one array would be garbage for long.
    private static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        return JsonSerializer.SerializeAsync(context.Response.BodyWriter, value, type, context.RequestAborted);
    }
}
