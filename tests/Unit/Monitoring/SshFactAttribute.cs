namespace RobustTrain.Tests.Monitoring;

/// <summary>A test that needs an ssh server, and is skipped with the reason where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SshFactAttribute : FactAttribute
{
    public SshFactAttribute() => Skip = SshServer.Missing;
}
