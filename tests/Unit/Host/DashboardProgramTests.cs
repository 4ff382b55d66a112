using RobustTrain.Host.Commands;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Host;

/// <summary>How <c>robusttrain dashboard</c> finds the program that it hands over to.</summary>
public sealed class DashboardProgramTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Program => OperatingSystem.IsWindows() ? "robusttrain-dashboard.exe" : "robusttrain-dashboard";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_program_is_one_sentence()
    {
        RunException missing = Assert.Throws<RunException>(() => DashboardCommand.Find(_folder.Path, _folder.Path));

        Assert.Equal("DashboardNotFound", missing.ErrorId);
        Assert.Contains(_folder.At(Program), missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_framework_is_one_sentence_that_says_what_to_install()
    {
        _folder.Write($"host/{Program}", []);
        string runtime = Directory.CreateDirectory(_folder.At("dotnet/shared/Microsoft.NETCore.App/10.0.12")).FullName;
        RunException missing = Assert.Throws<RunException>(() => DashboardCommand.Find(_folder.At("host"), runtime + Path.DirectorySeparatorChar));

        Assert.Equal("AspNetCoreNotFound", missing.ErrorId);
        Assert.Contains("aspnetcore-runtime-", missing.Message, StringComparison.Ordinal);
        Directory.CreateDirectory(_folder.At($"dotnet/shared/Microsoft.AspNetCore.App/{Environment.Version.Major}.0.12"));
        Assert.Equal(_folder.At($"host/{Program}"), DashboardCommand.Find(_folder.At("host"), runtime + Path.DirectorySeparatorChar));
    }

    [Fact]
    public void A_package_brings_the_framework_along()
    {
        _folder.Write(Program, []);
        _folder.Write("Microsoft.AspNetCore.dll", []);

        Assert.Equal(_folder.At(Program), DashboardCommand.Find(_folder.Path, _folder.At("nowhere/a/b") + Path.DirectorySeparatorChar));
    }
}
