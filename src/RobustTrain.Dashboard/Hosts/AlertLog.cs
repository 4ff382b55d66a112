using RobustTrain.Monitoring.Status;

namespace RobustTrain.Dashboard.Hosts;

/// <summary>The alerts of the hosts that the page watches: what is past a limit now, and the newest ones of all.</summary>
/// <param name="rules">The limits, as they were written.</param>
internal sealed class AlertLog(IReadOnlyList<string> rules)
{
    private const int MostKept = 200;

    private readonly Lock _gate = new();
    private readonly LinkedList<AlertView> _log = new();
    private readonly Dictionary<(string Rule, string Host, int? Gpu), AlertView> _raised = [];

    /// <summary>Takes an alert; of another record nothing is kept.</summary>
    public void Take(MonitorRecord record)
    {
        if (record is not MonitorAlert alert)
            return;
        bool isRaised = alert.State == AlertState.Raised;
        AlertView view = new(alert.Time, isRaised, alert.Rule, alert.ComputerName, alert.Index, alert.Value, alert.Message);
        (string, string, int?) subject = (alert.Rule, alert.ComputerName, alert.Index);
        lock (_gate)
        {
            if (isRaised)
                _raised[subject] = view;
            else
                _raised.Remove(subject);
            _log.AddFirst(view);
            if (_log.Count > MostKept)
                _log.RemoveLast();
        }
    }

    /// <summary>The alerts, the newest first.</summary>
    public AlertsView View()
    {
        lock (_gate)
            return new AlertsView(rules, [.. _raised.Values.OrderByDescending(alert => alert.Time)], [.. _log]);
    }
}

/// <summary>The alerts, as the page is told them.</summary>
/// <param name="Rules">The limits that are watched.</param>
/// <param name="Raised">What is past its limit now.</param>
/// <param name="Log">What was raised and cleared, the newest first.</param>
internal sealed record AlertsView(IReadOnlyList<string> Rules, IReadOnlyList<AlertView> Raised, IReadOnlyList<AlertView> Log);

/// <summary>An alert, as the page is told it.</summary>
/// <param name="Time">When.</param>
/// <param name="IsRaised">Whether it was raised, or cleared.</param>
/// <param name="Rule">The limit.</param>
/// <param name="Host">The host.</param>
/// <param name="Gpu">The GPU's index; null where it is about the host.</param>
/// <param name="Value">The value then.</param>
/// <param name="Message">All of it in a sentence.</param>
internal sealed record AlertView(DateTimeOffset Time, bool IsRaised, string Rule, string Host, int? Gpu, double Value, string Message);
