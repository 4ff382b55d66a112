namespace RobustTrain.Runs.Events;

/// <summary>The page of <c>robusttrain dashboard</c> is served.</summary>
/// <param name="Url">The page's address with its token: who has it may look, and stop and resume runs where that is allowed.</param>
/// <param name="Address">The address without the token.</param>
/// <param name="Path">The runs' folder, absolute.</param>
public sealed record DashboardStarted(string Url, string Address, string Path) : RunEvent;
