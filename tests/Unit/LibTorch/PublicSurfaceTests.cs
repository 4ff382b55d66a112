using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;

namespace RobustTrain.Tests.LibTorch;

/// <summary>The rule that keeps two providers one: nothing public in our namespace TorchSharp that the real TorchSharp has not.</summary>
public sealed class PublicSurfaceTests : IDisposable
{
    private readonly MetadataLoadContext _context;
    private readonly PublicSurface _real;
    private readonly PublicSurface _ours;

    public PublicSurfaceTests()
    {
        string path = typeof(PublicSurfaceTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "TorchSharp").Value!;
        string ours = typeof(torch).Assembly.Location;
        string[] references = [path, .. Directory.GetFiles(RuntimeEnvironment.GetRuntimeDirectory(), "*.dll"), .. Directory.GetFiles(AppContext.BaseDirectory, "Google.Protobuf.dll")];
        _context = new MetadataLoadContext(new PathAssemblyResolver(references));
        _real = PublicSurface.Of(_context.LoadFromAssemblyPath(path), type => true);
        // Loaded here too, so that both sides are read in the same way.
        _ours = PublicSurface.Of(_context.LoadFromAssemblyPath(ours), type => type.Namespace?.StartsWith("TorchSharp", StringComparison.Ordinal) == true);
    }

    public void Dispose() => _context.Dispose();

    [Fact]
    public void Every_public_type_is_one_of_TorchSharps_of_the_same_kind()
    {
        string[] differing = [.. _ours.Types
            .Where(type => _real.Find(type.FullName!) is not Type real || PublicSurface.Kind(real) != PublicSurface.Kind(type))
            .Select(type => $"{PublicSurface.Kind(type)} {type.FullName}")];
        Assert.True(differing.Length == 0, $"Types that TorchSharp does not have:\n{string.Join('\n', differing)}");
        Assert.True(_ours.Types.Count() > 100);
    }

    [Fact]
    public void Every_public_member_is_one_of_TorchSharps_with_the_same_signature()
    {
        var differing = new List<string>();
        int compared = 0;
        foreach (Type type in _ours.Types)
        {
            if (_real.Find(type.FullName!) is not Type real) continue;
            HashSet<string> reachable = PublicSurface.Reachable(real);
            foreach (MemberInfo member in PublicSurface.MembersOf(type))
            {
                compared++;
                if (!reachable.Contains(PublicSurface.Line(member))) differing.Add($"{type.FullName}: {PublicSurface.Line(member)}");
            }
        }
        Assert.True(differing.Count == 0, $"{differing.Count} members that TorchSharp does not have:\n{string.Join('\n', differing)}");
        Assert.True(compared > 1000);
    }

    [Fact]
    public void What_TorchSharp_says_may_be_null_may_be_null_here_and_what_it_takes_is_taken()
    {
        var differing = new List<string>();
        foreach ((MethodBase own, MethodBase real) in Pairs())
        {
            string where = $"{own.DeclaringType!.FullName}: {PublicSurface.Line(own)}";
            if (own is MethodInfo ownMethod && real is MethodInfo realMethod && !ownMethod.ReturnType.IsValueType
                && Result(realMethod) == 2 && Result(ownMethod) != 2)
                differing.Add($"{where}: the result may be null");
            foreach ((ParameterInfo taken, ParameterInfo expected) in own.GetParameters().Zip(real.GetParameters()))
            {
                bool expectsNull = Argument(expected, real) == 2 || (expected.HasDefaultValue && expected.RawDefaultValue is null);
                if (!taken.ParameterType.IsValueType && expectsNull && Argument(taken, own) != 2) differing.Add($"{where}: {taken.Name} may be null");
            }
        }
        Assert.True(differing.Count == 0, string.Join('\n', differing));

        static byte Result(MethodInfo method) => PublicSurface.Nullability(method.ReturnParameter.CustomAttributes, method);
        static byte Argument(ParameterInfo parameter, MethodBase method) => PublicSurface.Nullability(parameter.CustomAttributes, method);
    }

    [Fact]
    public void What_can_be_overridden_here_can_be_overridden_there()
    {
        string[] differing = [.. Pairs()
            .Where(pair => pair.Own is { IsVirtual: true, IsFinal: false } && pair.Real is { IsVirtual: false } or { IsFinal: true })
            .Select(pair => $"{pair.Own.DeclaringType!.FullName}: {PublicSurface.Line(pair.Own)}")];
        Assert.True(differing.Length == 0, string.Join('\n', differing));
    }

    private IEnumerable<(MethodBase Own, MethodBase Real)> Pairs()
    {
        foreach (Type type in _ours.Types)
        {
            if (_real.Find(type.FullName!) is not Type real) continue;
            var byLine = new Dictionary<string, MethodBase>();
            foreach (MethodBase method in PublicSurface.MembersOf(real).OfType<MethodBase>()) byLine[PublicSurface.Line(method)] = method;
            foreach (MethodBase method in PublicSurface.MembersOf(type).OfType<MethodBase>())
            {
                if (byLine.TryGetValue(PublicSurface.Line(method), out MethodBase? counterpart)) yield return (method, counterpart);
            }
        }
    }
}
