namespace RobustTrain.Dashboard;

/// <summary>The executable <c>robusttrain-dashboard</c>, which <c>robusttrain dashboard</c> starts.</summary>
internal static class Program
{
    private static int Main(string[] args) => DashboardCommand.Run(args);
}
